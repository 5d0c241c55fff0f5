package alert

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"
	"unicode"
)

const (
	// commandTimeout is for how long a command may run.
	commandTimeout = 30 * time.Second
	// maxSaid is how many bytes of what a command says of its failure are kept.
	maxSaid = 200
)

// runCommand runs a command of a shell, with the message as JSON on its standard input. It
// gets few variables of the environment, and none of those with keys.
func runCommand(ctx context.Context, command string, m Message) error {
	body, err := json.Marshal(m)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, commandTimeout, fmt.Errorf("it did not end within %v", commandTimeout))
	defer cancel()
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", command)
	cmd.Env = harmless(os.Environ())
	cmd.Stdin = bytes.NewReader(append(body, '\n'))
	var stderr tail
	cmd.Stderr = &stderr
	cmd.WaitDelay = time.Second // for what holds its output open
	endTogether(cmd)
	err = cmd.Run()
	if cause := context.Cause(ctx); err != nil && cause != nil {
		return cause
	}
	if err == nil || errors.Is(err, exec.ErrWaitDelay) { // it has ended, and left something running
		return nil
	}
	if said := stderr.line(); said != "" {
		return fmt.Errorf("%w: %s", err, withoutWords(said, wordsOf(command)))
	}
	return err
}

// harmless returns the variables that a command needs.
func harmless(environ []string) []string {
	var few []string
	for _, pair := range environ {
		name, _, _ := strings.Cut(pair, "=")
		switch name {
		case "PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "TZ", "TMPDIR", "MAILTO":
			few = append(few, pair)
		default:
			if strings.HasPrefix(name, "LC_") {
				few = append(few, pair)
			}
		}
	}
	return few
}

// wordsOf returns the words of a command that may be secret. The name of the program is none.
func wordsOf(command string) []string {
	words := strings.FieldsFunc(command, func(r rune) bool { return strings.ContainsRune(" \t'\"=", r) })
	return words[min(1, len(words)):]
}

// withoutWords returns what a command, or a server, says without words that may be secret.
func withoutWords(said string, words []string) string {
	slices.SortFunc(words, func(a, b string) int { return len(b) - len(a) }) // one may be a part of another
	for _, word := range words {
		if len(word) >= 4 {
			said = strings.ReplaceAll(said, word, "…")
		}
	}
	return said
}

// tail keeps the end of what is written.
type tail struct{ b []byte }

// Write implements io.Writer.
func (t *tail) Write(p []byte) (int, error) {
	t.b = append(t.b, p[max(0, len(p)-4<<10):]...)
	t.b = t.b[max(0, len(t.b)-4<<10):]
	return len(p), nil
}

// line returns the last line that is not empty, as far as it is short.
func (t *tail) line() string {
	lines := strings.Split(strings.TrimSpace(string(t.b)), "\n")
	line := strings.ToValidUTF8(lines[len(lines)-1], "?") // first: the cut is at a character
	line = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) { // which a terminal would obey
			return ' '
		}
		return r
	}, line)
	return cut(strings.TrimSpace(line), maxSaid)
}
