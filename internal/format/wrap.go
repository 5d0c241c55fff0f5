package format

import (
	"strings"
	"unicode/utf8"
)

// Width is how wide output is that does not know better.
const Width = 80

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
