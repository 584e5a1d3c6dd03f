// Command dockerfile-check reads a Dockerfile as `docker build` does, with the same parser, and prints the names of its
// stages. It ends with 1 and a sentence where `docker build` would refuse the file, or where its linter has advice.
package main

import (
	"fmt"
	"os"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

func main() {
	if err := check(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func check(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	tree, err := parser.Parse(file)
	if err != nil {
		return err
	}
	var advice []error
	lint := linter.New(&linter.Config{Warn: func(rule, description, _, message string, places []parser.Range) {
		advice = append(advice, fmt.Errorf("line %d: %s: %s (%s)", places[0].Start.Line, rule, message, description))
	}})
	stages, _, err := instructions.Parse(tree.AST, lint)
	if err != nil {
		return err
	}
	for _, warning := range tree.Warnings {
		advice = append(advice, fmt.Errorf("line %d: %s", warning.Location.Start.Line, warning.Short))
	}
	if len(advice) > 0 {
		return advice[0]
	}
	for _, stage := range stages {
		fmt.Println(stage.Name)
	}
	return nil
}
