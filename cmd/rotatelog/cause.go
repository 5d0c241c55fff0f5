package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"example.com/rotatelog"
	"example.com/rotatelog/health"
)

// causeOf returns why something failed at a store, for one line: without the operation
// and the key.
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
	return withoutRequest(text, err)
}

// answer is an error that has the answer of a store.
type answer interface {
	error
	ErrorCode() string
}

// withoutRequest returns the text of an error without what the SDK says about its request,
// but for the code of the answer. What a Store has not explained stays as it is.
func withoutRequest(text string, err error) string {
	text = strings.ReplaceAll(text, rotatelog.ErrPermanent.Error()+": ", "")
	text = inFlags(text)
	text = strings.ReplaceAll(text, ": "+io.ErrUnexpectedEOF.Error(), "")
	of := err // the Store's own error
	for e, ok := errors.AsType[*rotatelog.Error](of); ok; e, ok = errors.AsType[*rotatelog.Error](of) {
		of = e.Err
	}
	cause, request, ok := strings.Cut(of.Error(), ": operation error ")
	if !ok || cause == "" {
		return text
	}
	code := ""
	if a, ok := errors.AsType[answer](err); ok && a.ErrorCode() != "" {
		code = " (" + a.ErrorCode() + ")"
	}
	return strings.Replace(text, ": operation error "+request, code, 1)
}

// refusedKey says that the store refuses the key, in the words of status. It returns "" if
// that is not what has happened.
func refusedKey(err error) string {
	a, ok := errors.AsType[answer](err)
	if !ok || !health.RefusesKey(a.ErrorCode()) {
		return ""
	}
	text := "The store refuses the key: "
	if s, ok := errors.AsType[interface {
		error
		HTTPStatusCode() int
	}](err); ok {
		text += fmt.Sprint(s.HTTPStatusCode(), " ")
	}
	text += a.ErrorCode()
	if e, ok := errors.AsType[*rotatelog.Error](err); ok {
		text += ", for " + e.Key
	}
	return text
}

// explained returns the text of an error for people.
func explained(err error) string {
	text, _ := explain(err)
	return text
}

// explain is explained, and reports whether it is the key that the store refuses.
func explain(err error) (text string, refused bool) {
	if text := refusedKey(err); text != "" {
		return text, true
	}
	return withoutRequest(err.Error(), err), false
}

// afterRefusal returns what to do when the store refuses the key.
func (a *app) afterRefusal() string {
	where := "the environment"
	if f := a.settings.File(); f != nil {
		where = f.Path
	}
	return fmt.Sprintf("put a new key into %s, then %s", where, a.typedAgain("doctor"))
}
