package main

import (
	"context"
	"errors"
	"strings"

	"example.com/rotatelog"
)

// causeOf returns why something failed at a store, for one line: without the operation,
// the key, and what the SDK says about its request, but for the code of the answer.
func causeOf(err error) string {
	switch {
	case errors.Is(err, context.Canceled):
		return "interrupted"
	case errors.Is(err, context.DeadlineExceeded):
		return "it could not be sent in the time of --wait"
	}
	text := err.Error()
	if e, ok := errors.AsType[*rotatelog.Error](err); ok {
		text = e.Err.Error()
		if e.Hint != "" && !strings.Contains(text, e.Hint) {
			text += "; " + e.Hint
		}
	}
	text = strings.ReplaceAll(text, rotatelog.ErrPermanent.Error()+": ", "")
	text, _, isSDK := strings.Cut(text, ": operation error ")
	answer, ok := errors.AsType[interface {
		error
		ErrorCode() string
	}](err)
	if isSDK && ok && answer.ErrorCode() != "" {
		text += " (" + answer.ErrorCode() + ")"
	}
	return text
}
