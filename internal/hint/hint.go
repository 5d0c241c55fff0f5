// Package hint attaches to an error what to do about it, apart from its cause.
package hint

import (
	"errors"
	"fmt"
)

// hinted is an error with a hint.
type hinted struct {
	err  error
	hint string
}

// Error returns the cause and the hint.
func (h *hinted) Error() string { return h.err.Error() + "; " + h.hint }

// Unwrap returns the cause.
func (h *hinted) Unwrap() error { return h.err }

// Add returns err with a hint: what to do, formatted by [fmt.Sprintf], in words that can
// follow a semicolon.
func Add(err error, format string, args ...any) error {
	return &hinted{err, fmt.Sprintf(format, args...)}
}

// Split returns the hint of err, "" if it has none, and its cause. The cause still
// contains the hint if the hint was added to an error that err wraps.
func Split(err error) (hint string, cause error) {
	h, ok := errors.AsType[*hinted](err)
	switch {
	case !ok:
		return "", err
	case err == error(h):
		return h.hint, h.err
	}
	return h.hint, err
}
