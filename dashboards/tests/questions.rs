//! The page of questions names boards and panels that exist.

use dashboards::model::boards;

const PAGE: &str = include_str!("../README.md");

/// The texts in backticks of a table cell.
fn names(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

#[test]
fn every_question_is_answered_by_panels_that_exist() {
    let boards = boards();
    let rows = PAGE.lines().skip_while(|line| !line.starts_with("| Question")).skip(2);
    let questions: Vec<Vec<_>> = rows
        .take_while(|line| line.starts_with('|'))
        .map(|line| line.trim_matches('|').split('|').collect())
        .collect();
    assert_eq!(questions.len(), 10);
    for question in questions {
        let [text, on, panels, _] = question[..] else { panic!("{question:?} has not four cells") };
        let on: Vec<_> = names(on)
            .into_iter()
            .map(|id| {
                boards.iter().find(|board| board.id == id).unwrap_or_else(|| panic!("{text}: no board {id}"))
            })
            .collect();
        assert!(!on.is_empty() && !names(panels).is_empty(), "{text}: nothing answers it");
        for id in names(panels) {
            let found = on.iter().any(|board| board.panels().any(|panel| panel.id == id));
            assert!(found, "{text}: no panel {id}");
        }
    }
}

#[test]
fn every_file_and_board_is_on_the_page() {
    for (file, board) in dashboards::kibana::files().iter().skip(1).zip(boards()) {
        assert!(PAGE.contains(&format!("| `{}` | {} |", file.name, board.title)), "{}", file.name);
    }
}
