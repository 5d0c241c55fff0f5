package format

import (
	"strings"
	"unicode/utf8"
)

// Width is how wide output is that does not know better.
const Width = 80

const columnGap = "  "

// A Table aligns columns. Its zero value has none.
type Table struct {
	Right []bool // whether a column is aligned to the right; columns beyond are not
	rows  [][]string
}

// Row adds a row. Rows may have different numbers of cells.
func (t *Table) Row(cells ...string) { t.rows = append(t.rows, cells) }

// Line adds a line that is not aligned.
func (t *Table) Line(text string) { t.rows = append(t.rows, []string{text}) }

// Lines returns the rows, aligned. A row of one cell takes no part in that.
func (t *Table) Lines() []string {
	var widths []int
	for _, row := range t.rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			if len(row) > 1 && i < len(row)-1 || i < len(t.Right) && t.Right[i] {
				widths[i] = max(widths[i], utf8.RuneCountInString(cell))
			}
		}
	}
	lines := make([]string, len(t.rows))
	for i, row := range t.rows {
		lines[i] = t.line(row, widths)
	}
	return lines
}

func (t *Table) line(row []string, widths []int) string {
	if len(row) == 1 {
		return row[0]
	}
	var b strings.Builder
	for i, cell := range row {
		if i > 0 {
			b.WriteString(columnGap)
		}
		pad := strings.Repeat(" ", max(0, widths[i]-utf8.RuneCountInString(cell)))
		if i < len(t.Right) && t.Right[i] {
			b.WriteString(pad + cell)
		} else {
			b.WriteString(cell + pad)
		}
	}
	return strings.TrimRight(b.String(), " ")
}

// Wrap breaks text at spaces into lines of at most width characters, each begun with the
// indent. A word that is longer, such as a key, has a line of its own.
func Wrap(text, indent string, width int) []string {
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		switch {
		case line == "":
			line = indent + word
		case utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width:
			lines = append(lines, line)
			line = indent + word
		default:
			line += " " + word
		}
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}
