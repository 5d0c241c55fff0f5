// Package markdown prints sections of a document in Markdown on a terminal. It knows what
// the documents of this module use: headings, paragraphs, lists, tables and code.
package markdown

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
	"unicode"

	"example.com/rotatelog/internal/format"
)

const fence = "```"

// Anchors returns the anchors of the headings below the title.
func Anchors(text string) []string {
	var anchors []string
	for _, h := range headings(text) {
		if h.level > 1 {
			anchors = append(anchors, h.anchor)
		}
	}
	return anchors
}

// Section returns the heading with an anchor, and what is below it.
func Section(text, anchor string) (section string, ok bool) {
	lines := strings.Split(text, "\n")
	all := headings(text)
	for i, h := range all {
		if h.anchor != anchor {
			continue
		}
		end := len(lines)
		for _, next := range all[i+1:] {
			if next.level <= h.level {
				end = next.line
				break
			}
		}
		return strings.Join(lines[h.line:end], "\n"), true
	}
	return "", false
}

// Row returns the row of a table whose first cell has the code, with the head of the
// table and the heading above it.
func Row(text, code string) (section string, ok bool) {
	above, head, before := "", "", ""
	for line := range strings.SplitSeq(text, "\n") {
		switch {
		case strings.HasPrefix(line, "#"):
			above = line
		case rule().MatchString(line):
			head = before + "\n" + line
		case strings.HasPrefix(line, "| "):
			first, _, _ := strings.Cut(line[2:], " | ")
			if strings.Contains(first, "`"+code+"`") {
				return above + "\n\n" + head + "\n" + line, true
			}
		}
		before = line
	}
	return "", false
}

type heading struct {
	line, level int
	anchor      string
}

func headings(text string) []heading {
	var found []heading
	code := false
	for i, line := range strings.Split(text, "\n") {
		if strings.HasPrefix(strings.TrimSpace(line), fence) {
			code = !code
		}
		marks, title, ok := strings.Cut(line, " ")
		if ok && !code && marks != "" && strings.Trim(marks, "#") == "" {
			found = append(found, heading{i, len(marks), Anchor(title)})
		}
	}
	return found
}

// Anchor returns the anchor that GitHub gives to a heading, apart from the number that
// tells equal ones apart.
func Anchor(title string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
			return unicode.ToLower(r)
		}
		return -1
	}, title)
}

var (
	link     = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\[([^\]]+)\]\(([^)]*)\)`) })
	rule     = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^\|[-:| ]+\|$`) })
	listItem = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^( *(?:[-*]|[0-9]+\.) )(.*)$`) })
)

// Plain returns a section as lines of at most width characters, without marks. where says
// where the target of a link is; it follows the text of the link, in parentheses.
func Plain(section string, width int, where func(target string) string) []string {
	p := printer{width: width, where: where}
	for line := range strings.SplitSeq(strings.TrimRight(section, "\n"), "\n") {
		p.line(line)
	}
	p.endParagraph()
	return p.out
}

type printer struct {
	width     int
	where     func(target string) string
	out       []string
	paragraph string // collected so far
	first     string // what its first line begins with
	code      bool
}

func (p *printer) line(line string) {
	trimmed := strings.TrimSpace(line)
	item := listItem().FindStringSubmatch(line)
	switch {
	case strings.HasPrefix(trimmed, fence):
		p.endParagraph()
		p.code = !p.code
	case p.code:
		p.out = append(p.out, "  "+line)
	case trimmed == "":
		p.endParagraph()
		p.out = append(p.out, "")
	case strings.HasPrefix(line, "#"):
		p.endParagraph()
		p.out = append(p.out, strings.TrimLeft(line, "# "))
	case rule().MatchString(trimmed):
	case strings.HasPrefix(trimmed, "|"):
		p.endParagraph()
		p.row(trimmed)
	case item != nil:
		p.endParagraph()
		p.first, p.paragraph = item[1], item[2]
	default:
		p.paragraph += " " + trimmed
	}
}

// row prints a row of a table: the first cell, and the others below it.
func (p *printer) row(line string) {
	cells := strings.Split(strings.Trim(line, "|"), " | ")
	for i, cell := range cells {
		indent := ""
		if i > 0 {
			indent = "    "
		}
		p.out = append(p.out, format.Wrap(p.unmarked(cell), indent, p.width)...)
	}
}

func (p *printer) endParagraph() {
	indent := strings.Repeat(" ", len(p.first))
	for i, line := range format.Wrap(p.unmarked(p.paragraph), indent, p.width) {
		if i == 0 {
			line = p.first + line[len(indent):]
		}
		p.out = append(p.out, line)
	}
	p.first, p.paragraph = "", ""
}

// unmarked returns text without the marks of links, code and emphasis.
func (p *printer) unmarked(text string) string {
	text = link().ReplaceAllStringFunc(text, func(l string) string {
		parts := link().FindStringSubmatch(l)
		return fmt.Sprintf("%s (%s)", parts[1], p.where(parts[2]))
	})
	return strings.NewReplacer("`", "", "**", "").Replace(text)
}
