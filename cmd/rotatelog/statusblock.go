package main

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"example.com/rotatelog/health"
	"example.com/rotatelog/internal/format"
	"example.com/rotatelog/internal/status"
)

// printStatus prints a block for each stream with something wrong, and for the first; for
// the others a line.
func printStatus(a *app, all []streamStatus) {
	width := 0
	for _, s := range all {
		width = max(width, len(s.Name))
	}
	for i, s := range all {
		b := block{a, s.shown(a), fmt.Sprintf("%-*s  ", width, s.Name), s.typedStep}
		if i > 0 && b.Rank() == 0 {
			b.printLine()
			continue
		}
		if i > 0 {
			a.println("")
		}
		b.print()
	}
}

// block is what is printed of a stream.
type block struct {
	*app
	*status.Stream
	name      string // padded
	typedStep func(string) string
}

// timeColumn is where the time stands in the first line of a block.
const timeColumn = 51

func (b *block) print() {
	b.printHeading()
	if b.Blind != nil {
		for _, sentence := range b.Blind {
			b.printText("  ", sentence)
		}
		b.printTyped(b.BlindSteps())
		return
	}
	if b.AwaitsFirst() {
		first := b.First()
		for _, sentence := range status.Sentences(first.Text) {
			b.printText("  ", sentence)
		}
		b.printTyped(first.Steps)
	}
	for i, f := range b.Findings {
		indent := "  "
		if i > 0 {
			b.println(indent + b.paint(f.Severity, strings.ToUpper(f.Severity.String())) + " " + string(f.Code))
			indent += "  "
		}
		for _, sentence := range status.Sentences(f.Text) {
			b.printText(indent, sentence)
		}
		b.printSteps(indent, f.Steps)
	}
	for _, problem := range b.Problems {
		b.printText("  ", "Not all can be seen: "+problem+".")
	}
	if len(b.Problems) > 0 {
		b.printTyped([]string{
			"let the next fetch come: it replaces a state file that is torn",
			"run this as the user of the Writer, if permission is denied",
			"rotatelog doctor",
		})
	}
	b.printFacts()
}

// printTyped prints steps with the settings that were typed.
func (b *block) printTyped(steps []string) {
	var typed []string
	for _, step := range steps {
		typed = append(typed, b.typedStep(step))
	}
	b.printSteps("  ", typed)
}

// printHeading prints the name, the worst that there is to say, and the time.
func (b *block) printHeading() {
	state, code := b.State()
	left := b.name + b.paint(b.Worst(), state)
	width := len(b.name) + len(state)
	if code != "" {
		left += " " + code
		width += 1 + len(code)
	}
	now := format.Time(b.Now, b.Zone)
	room := b.out.width - len(now)
	switch {
	case width+2 > room:
		b.println(left)
		b.println("  " + now)
	default:
		b.println(left + strings.Repeat(" ", max(width+2, min(timeColumn, room))-width) + now)
	}
}

func (b *block) paint(s health.Severity, text string) string {
	c := map[health.Severity]color{health.OK: green, health.Warning: yellow, health.Error: red, health.Critical: red}[s]
	switch text {
	case "UNKNOWN":
		c = red
	case "WAITING":
		c = yellow
	}
	return b.out.paint(c, text)
}

// printSteps prints what to do, in order. A command stays on a line, to be pasted.
func (b *block) printSteps(indent string, steps []string) {
	for i, step := range steps {
		number := fmt.Sprintf("%s%d. ", indent, i+1)
		hanging := strings.Repeat(" ", len(number))
		command, about, ok := status.Command(step)
		switch {
		case utf8.RuneCountInString(number+step) <= b.out.width:
			b.println(number + step)
		case ok:
			b.println(number + command)
			if about != "" {
				b.printText(hanging, about)
			}
		default:
			lines := format.Wrap(step, hanging, b.out.width)
			b.println(number + strings.TrimPrefix(strings.Join(lines, "\n"), hanging))
		}
	}
}

// printLine prints the line of a stream with nothing wrong.
func (b *block) printLine() {
	number := "none today"
	if b.Fetched.Number > 0 {
		number = "#" + format.Count(b.Fetched.Number)
	}
	parts := []string{b.name + "OK  " + number, b.Fill(), b.Waits(), "yesterday " + b.DayBefore()}
	const gap = "   "
	line := parts[0]
	for _, part := range parts[1:] {
		if utf8.RuneCountInString(line+gap+part) > b.out.width {
			b.println(line)
			line = strings.Repeat(" ", len(b.name)-len(gap))
		}
		line += gap + part
	}
	b.println(line)
}
