package main

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"example.com/rotatelog/internal/format"
	"example.com/rotatelog/internal/status"
)

// Widths of the columns of facts.
const (
	labelWidth = 11
	valueWidth = 12
	textWidth  = 32 // where more follows
)

func (b *block) printFacts() {
	facts := b.Facts()
	width := valueWidth
	for _, f := range facts {
		width = max(width, utf8.RuneCountInString(f.Value)+2)
	}
	for _, f := range facts {
		b.printFact(f, width)
	}
	for _, text := range b.Unknown {
		b.printFact(status.Fact{Label: status.NotKnown, Text: text}, 0)
	}
}

func (b *block) printFact(f status.Fact, width int) {
	begin := fmt.Sprintf("  %-*s%-*s", labelWidth, f.Label, width, f.Value)
	line := begin + f.Text
	if f.More != "" {
		line = fmt.Sprintf("%s%-*s%s", begin, textWidth, f.Text, f.More)
		f.Text += ", " + f.More
	}
	if utf8.RuneCountInString(line) <= b.out.width {
		b.println(strings.TrimRight(line, " "))
		return
	}
	indent := strings.Repeat(" ", utf8.RuneCountInString(begin))
	if b.out.width < len(indent)+20 { // too narrow for columns
		b.println(strings.TrimRight(begin, " "))
		b.printText("    ", f.Text)
		return
	}
	lines := format.Wrap(f.Text, indent, max(b.out.width, len(indent)+20))
	b.println(begin + strings.TrimPrefix(strings.Join(lines, "\n"), indent))
}
