package settings

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"unicode/utf8"
)

// line is a NAME=value line of a file.
type line struct {
	number int
	value  string
}

var (
	lineName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`) })
	expanded = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\$[A-Za-z_{(]|^~/`) })
)

// parse parses the text of the file at path. What a shell, or systemd, would take for
// something else than the value as it stands is an error.
func parse(path, text string) (map[string]line, error) {
	switch {
	case strings.HasPrefix(text, "\ufeff"):
		return nil, fmt.Errorf(`line 1: it begins with a byte order mark: sed -i '1s/^\xef\xbb\xbf//' %s`, path)
	case strings.Contains(text, "\r"):
		return nil, fmt.Errorf(`line %d: it ends with CR LF, as on Windows: sed -i 's/\r$//' %s`, 1+strings.Count(text[:strings.Index(text, "\r")], "\n"), path)
	case !utf8.ValidString(text) || strings.Contains(text, "\x00"):
		return nil, errors.New("line 1: it is not text in UTF-8")
	}
	lines := map[string]line{}
	number := 0
	for s := range strings.Lines(text) {
		number++
		s = strings.TrimSuffix(s, "\n")
		if t := strings.TrimSpace(s); t == "" || t[0] == '#' || t[0] == ';' {
			continue
		}
		name, value, err := parseLine(s)
		if before, twice := lines[name]; err == nil && twice {
			err = fmt.Errorf("%s is set already, in line %d", name, before.number)
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		lines[name] = line{number, value}
	}
	return lines, nil
}

// parseLine parses a line. Its errors do not contain the value, which may be a secret.
func parseLine(s string) (name, value string, err error) {
	name, value, ok := strings.Cut(s, "=")
	switch {
	case !ok:
		return "", "", errors.New("it is not NAME=value")
	case strings.HasPrefix(name, "export "):
		return "", "", errors.New(`this is no shell script: leave out "export"`)
	case strings.TrimSpace(name) != name:
		return "", "", errors.New("there is white space around the name")
	case !lineName().MatchString(name):
		return "", "", errors.New("the name may have letters, digits and _ only")
	case strings.TrimSpace(value) != value:
		return "", "", fmt.Errorf("%s has white space around its value", name)
	case value != "" && strings.ContainsRune(`"'`, rune(value[0])):
		return "", "", fmt.Errorf("%s is in quotes: leave them out", name)
	case strings.HasSuffix(value, `\`):
		return "", "", fmt.Errorf("%s ends with a backslash, but no line continues in the next", name)
	case strings.Contains(value, " #"):
		return "", "", fmt.Errorf("%s is followed by a comment: give that a line of its own", name)
	case strings.HasPrefix(name, prefix) && expanded().MatchString(value):
		return "", "", fmt.Errorf("%s: no shell expands this; write out what it stands for", name)
	}
	return name, value, nil
}
