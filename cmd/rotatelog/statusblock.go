package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"example.com/rotatelog"
	"example.com/rotatelog/health"
	"example.com/rotatelog/internal/format"
)

// printStatus prints a block for each stream with something wrong, and for the first; for
// the others a line.
func printStatus(a *app, all []streamStatus) {
	width := 0
	for _, s := range all {
		width = max(width, len(s.Stream))
	}
	for i, s := range all {
		b := block{a, s, fmt.Sprintf("%-*s  ", width, s.Stream)}
		if i > 0 && s.rank() == 0 {
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
	streamStatus
	name string // padded
}

// timeColumn is where the time stands in the first line of a block.
const timeColumn = 51

func (b *block) print() {
	b.printHeading()
	if b.err != nil {
		for _, sentence := range b.blind() {
			b.printText("  ", sentence)
		}
		b.printSteps("  ", []string{b.step("rotatelog doctor   (shows the settings, and where they are from)")})
		return
	}
	for i, f := range b.Findings {
		indent := "  "
		if i > 0 {
			b.println(indent + b.paint(f.Severity, strings.ToUpper(f.Severity.String())) + " " + string(f.Code))
			indent += "  "
		}
		for _, sentence := range sentences(f.Text) {
			b.printText(indent, sentence)
		}
		var steps []string
		for _, step := range f.Steps {
			steps = append(steps, b.step(step))
		}
		b.printSteps(indent, steps)
	}
	for _, problem := range b.problems {
		b.printText("  ", "Not all can be seen: "+problem+".")
	}
	if len(b.problems) > 0 {
		b.printSteps("  ", []string{
			"let the next fetch come: it replaces a state file that is torn",
			"run this as the user of the Writer, if permission is denied",
			b.step("rotatelog doctor"),
		})
	}
	b.printFacts()
}

// printHeading prints the name, the worst that there is to say, and the time.
func (b *block) printHeading() {
	state, code := b.state()
	left := b.name + b.paint(b.worst(), state)
	width := len(b.name) + len(state)
	if code != "" {
		left += " " + code
		width += 1 + len(code)
	}
	now := format.Time(b.Now, b.zone)
	room := b.out.width - len(now)
	switch {
	case width+2 > room:
		b.println(left)
		b.println("  " + now)
	default:
		b.println(left + strings.Repeat(" ", max(width+2, min(timeColumn, room))-width) + now)
	}
}

// state returns the first words of a stream, such as CRITICAL upload_refused.
func (b *block) state() (state, code string) {
	switch {
	case b.err != nil:
		return "UNKNOWN", ""
	case len(b.Findings) > 0:
		return strings.ToUpper(b.worst().String()), string(b.Findings[0].Code)
	case len(b.problems) > 0:
		return "UNKNOWN", ""
	}
	return "OK", ""
}

// blind says why nothing is known.
func (b *block) blind() []string {
	if !errors.Is(b.err, fs.ErrNotExist) {
		return []string{b.err.Error()}
	}
	if _, err := os.Stat(b.Dir); err != nil {
		return []string{fmt.Sprintf("There is no directory %s (%s).", b.Dir, b.origin("dir"))}
	}
	text := []string{fmt.Sprintf("Nothing of %s was ever put on disk in %s (%s).", b.Stream, b.Dir, b.origin("dir"))}
	others := slices.DeleteFunc(spoolsIn(b.Dir), func(name string) bool { return name == b.Stream })
	if len(others) > 0 {
		text = append(text, "There are the streams "+strings.Join(others, ", ")+": see --name.")
	}
	return text
}

func (b *block) paint(s health.Severity, text string) string {
	c := map[health.Severity]color{health.OK: green, health.Warning: yellow, health.Error: red, health.Critical: red}[s]
	if text == "UNKNOWN" {
		c = red
	}
	return b.out.paint(c, text)
}

// sentences splits a text where a sentence ends and another begins.
func sentences(text string) []string {
	var all []string
	for i := 0; i+2 < len(text); i++ {
		if strings.IndexByte(".!?", text[i]) >= 0 && text[i+1] == ' ' && unicode.IsUpper(rune(text[i+2])) {
			all = append(all, text[:i+1])
			text, i = text[i+2:], -1
		}
	}
	return append(all, text)
}

// remark is where the command of a step ends, and a remark about it begins.
const remark = "   ("

// step returns a step with the settings that were typed, if it is a command.
func (b *block) step(text string) string {
	command, rest, ok := strings.Cut(text, remark)
	if !strings.HasPrefix(command, "rotatelog ") {
		return text
	}
	words := strings.Fields(command)[1:]
	if i := slices.Index(words, "--name"); i >= 0 { // which typed adds, too
		words = slices.Delete(words, i, i+2)
	}
	if command = b.typed(words[0], words[1:]...); ok {
		return command + remark + rest
	}
	return command
}

// printSteps prints what to do, in order. A command stays on a line, to be pasted.
func (b *block) printSteps(indent string, steps []string) {
	for i, step := range steps {
		number := fmt.Sprintf("%s%d. ", indent, i+1)
		hanging := strings.Repeat(" ", len(number))
		command, rest, ok := strings.Cut(step, remark)
		switch {
		case utf8.RuneCountInString(number+step) <= b.out.width:
			b.println(number + step)
		case strings.HasPrefix(step, "rotatelog "):
			b.println(number + command)
			if ok {
				b.printText(hanging, "("+rest)
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
	parts := []string{b.name + "OK  " + number, b.fill(), b.waits(), "yesterday " + b.yesterday()}
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

func (b *block) fill() string { return fmt.Sprintf("%d of %d", b.Batch.Fetches, b.Batch.Size) }

func (b *block) waits() string {
	switch n := b.Waiting.Batches; n {
	case 0:
		return "nothing waits"
	case 1:
		return "1 batch waits"
	default:
		return format.Count(n) + " batches wait"
	}
}

// yesterday says in a word what became of the day before.
func (b *block) yesterday() string {
	y := b.Yesterday
	switch {
	case y.Complete:
		return "complete"
	case y.Waiting > 0:
		return "waits"
	case y.Known():
		return "in doubt"
	}
	return notKnown
}

const notKnown = "not known"

// clock returns the time of day, and the date if that is not today's.
func (b *block) clock(t time.Time) string {
	if rotatelog.DayOf(t, b.zone) != b.today() {
		return t.In(b.zone).Format("01/02/2006 03:04:05 PM")
	}
	return format.Clock(t, b.zone)
}
