// What a reader could not read, reach or tell from its ground, as a list of complaints.
(() => {
  const flaws = [];
  const shown = (node) => node.getClientRects().length > 0;
  const where = (node) => `${node.closest("section[id]")?.id ?? "page"}: "${(node.getAttribute("aria-label") ?? node.textContent).trim().slice(0, 40)}"`;

  // Colours are `rgb(…)`, or `color(srgb …)` where they were mixed.
  const channels = (color) => {
    const numbers = color.match(/[\d.]+/gu)?.map(Number) ?? [0, 0, 0, 0];
    const size = color.startsWith("color(") ? 255 : 1;
    return [...numbers.slice(0, 3).map((part) => part * size), numbers[3] ?? 1];
  };
  const over = (one, ground) => [0, 1, 2].map((at) => one[at] * one[3] + ground[at] * (1 - one[3]));
  const ground = (node) => {
    if (!node) return [255, 255, 255];
    const own = channels(getComputedStyle(node).backgroundColor);
    return own[3] === 1 ? own.slice(0, 3) : over(own, ground(node.parentElement));
  };
  const light = (color) => color.map((part) => (part <= 10 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4)).reduce((sum, part, at) => sum + part * [0.2126, 0.7152, 0.0722][at], 0);
  const contrast = (one, other) => {
    const [bright, dim] = [light(one), light(other)].sort((a, b) => b - a);
    return (bright + 0.05) / (dim + 0.05);
  };
  const opacity = (node) => (node ? Number(getComputedStyle(node).opacity) * opacity(node.parentElement) : 1);

  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const node = texts.currentNode.parentElement;
    if (!texts.currentNode.data.trim() || !shown(node)) continue;
    const style = getComputedStyle(node);
    const ink = channels(style.color);
    ink[3] *= opacity(node);
    // Tools of a panel appear under the pointer.
    if (ink[3] === 0) continue;
    const size = parseFloat(style.fontSize);
    const isLarge = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 600);
    const found = contrast(over(ink, ground(node)), ground(node));
    if (found < (isLarge ? 3 : 4.5)) flaws.push(`contrast ${found.toFixed(2)} of ${where(node)}`);
  }

  const dots = [...document.querySelectorAll(".panel .dot")].filter(shown);
  for (const dot of dots) {
    const found = contrast(channels(getComputedStyle(dot).backgroundColor).slice(0, 3), ground(dot.parentElement));
    if (found < 2.95) flaws.push(`contrast ${found.toFixed(2)} of the colour of ${where(dot.parentElement)}`);
  }

  for (const node of [...document.querySelectorAll(".panel h2, #range-name, .tile-value, .tile-label, .figures th button, .links a, .control > summary")].filter(shown)) {
    if (node.scrollWidth > node.clientWidth + 1 || node.scrollHeight > node.clientHeight + 3) flaws.push(`cut: ${where(node)}`);
  }
  if (document.documentElement.scrollWidth > innerWidth) flaws.push("the page scrolls sideways");
  const here = document.querySelector(".links [aria-current]").getBoundingClientRect();
  if (here.left < 0 || here.right > innerWidth) flaws.push("the name of this board is out of sight");
  if (innerWidth > 720) return flaws;
  for (const node of [...document.querySelectorAll(".top button, .top summary, .top input, .top a, .control > summary, .links a, .panel-tools button, .presets button, .custom input, .custom button")].filter(shown)) {
    const { width, height } = node.getBoundingClientRect();
    if (height < 39.5 || (width < 39.5 && !node.matches(".brand"))) flaws.push(`${Math.round(width)} by ${Math.round(height)} points for a thumb: ${where(node)}`);
  }
  return flaws;
})()
