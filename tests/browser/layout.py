"""What is asked of every page at every width: nothing starves, nothing scrolls sideways, everything can be read."""

from __future__ import annotations

from playwright.sync_api import Page

NARROW = """() => {
    const found = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        let element = walker.currentNode.parentElement;
        const words = walker.currentNode.textContent.trim().split(/\\s+/);
        if (words.length < 8 || !element.checkVisibility()) continue;
        if (element.closest("svg, math, script, style, option")) continue;
        while (["inline", "contents"].includes(getComputedStyle(element).display)) element = element.parentElement;
        const width = element.getBoundingClientRect().width;
        const least = element.closest("td") ? 110 : 200;
        if (width < least) found.push(`${Math.round(width)} pixels: ${words.slice(0, 8).join(" ")}`);
    }
    return found;
}"""
"""Sentences (of eight words or more) in blocks of less than 200 pixels, or in cells of less than 110."""

FAINT = """() => {
    const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
    const light = (colour) => {
        const [r, g, b] = numbers(colour).map((one) => one / 255)
            .map((one) => (one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const behind = (element) => {
        for (let one = element; one; one = one.parentElement) {
            const colour = getComputedStyle(one).backgroundColor;
            if ((numbers(colour)[3] ?? 1) === 1) return colour;
        }
        return getComputedStyle(document.documentElement).colorScheme === "dark" ? "rgb(0,0,0)" : "rgb(255,255,255)";
    };
    const found = {};
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const element = walker.currentNode.parentElement;
        const text = walker.currentNode.textContent.trim();
        if (!text || element.closest("script, style, title, option") || !element.checkVisibility()) continue;
        const style = getComputedStyle(element);
        const colour = element.closest("svg") ? style.fill : style.color;
        const [a, b] = [light(colour), light(behind(element))];
        const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        const size = parseFloat(style.fontSize), large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
        if (contrast >= (large ? 3 : 4.5)) continue;
        found[`${contrast.toFixed(2)} ${colour} on ${behind(element)}`] = text.slice(0, 40);
    }
    return Object.entries(found).map(([colours, text]) => `${colours}: ${text}`);
}"""
"""Texts whose contrast is below what WCAG 2 asks at level AA."""


def starved(page: Page) -> list[str]:
    """Return sentences that stand in a column too narrow for them."""
    return list(page.evaluate(NARROW))


def faint(page: Page) -> list[str]:
    """Return texts without enough contrast."""
    return list(page.evaluate(FAINT))


def sideways(page: Page) -> int:
    """Return by how many pixels the page scrolls sideways."""
    return int(page.evaluate("document.scrollingElement.scrollWidth - innerWidth"))
