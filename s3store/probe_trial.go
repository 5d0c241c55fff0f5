package s3store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"example.com/rotatelog"
)

var (
	errIgnored = errors.New("the server ignores what should keep it from doing this")
	errNotDone = errors.New("the server says that it was done, which it was not")
)

// snapshot is an object as it is now. The zero snapshot means that there is none.
type snapshot struct {
	version   rotatelog.Version
	versionID string // its id in a bucket with versions
	body      []byte
	meta      map[string]string
}

func (s snapshot) holds(body []byte) bool { return s.version != "" && bytes.Equal(s.body, body) }

// attempt writes to an object that is now as given, and returns what the object
// should hold then.
type attempt func(ctx context.Context, now snapshot) (want []byte, reply error)

// outcome is what became of an attempt.
type outcome int

const (
	unclear outcome = iota
	applied
	left // as it was
)

// try makes an attempt. Unless it was applied, the reply is an error, even if the
// server reported success.
func (p *probe) try(ctx context.Context, name string, a attempt) (outcome, error) {
	before, err := p.inspect(ctx, name)
	if err != nil {
		return unclear, err
	}
	want, reply := a(ctx, before)
	after, err := p.inspect(ctx, name)
	switch {
	case err != nil:
		return unclear, err
	case after.holds(want):
		return applied, reply
	case after.version == before.version && bytes.Equal(after.body, before.body):
		return left, orNotDone(reply)
	}
	return unclear, fmt.Errorf("the object is neither as it was nor as it should be: %w", orNotDone(reply))
}

func orNotDone(reply error) error {
	if reply == nil {
		return errNotDone
	}
	return reply
}

// notTaken explains a request that the server does not know, unless that has been done.
func notTaken(reply error) error {
	if _, explained := errors.AsType[*rotatelog.Error](reply); explained {
		return reply
	}
	if errors.Is(reply, errNotCopied) {
		return fmt.Errorf("%w: %d %s", errNotCopied, statusOf(reply), codeOf(reply))
	}
	return fmt.Errorf("the server does not take such a request: %d %s", statusOf(reply), codeOf(reply))
}

// applies finds out whether an attempt is applied. A refusal must come twice, since
// a proxy may have answered in place of the server.
func (p *probe) applies(ctx context.Context, name string, a attempt) (f Finding) {
	for range 2 {
		o, reply := p.try(ctx, name, a)
		switch status := statusOf(reply); {
		case errors.Is(reply, errNotEncrypted):
			return Finding{ResultNo, reply}
		case o == applied:
			return Finding{Result: ResultYes}
		case o == left && status == http.StatusPreconditionFailed:
			f = Finding{ResultNo, fmt.Errorf("the server refuses what it should do: %d %s", status, codeOf(reply))}
		case o == left && (status == http.StatusNotImplemented || errors.Is(reply, errNotCopied)):
			f = Finding{ResultNo, notTaken(reply)}
		default:
			f = Finding{ResultUnknown, p.explain(ctx, "write", reply)}
		}
		if o == unclear { // a second attempt would not start from where the first did
			break
		}
	}
	return f
}

// leaves finds out whether an attempt leaves the object as it was, and is answered
// twice by a status of a refusal.
func (p *probe) leaves(ctx context.Context, name string, a attempt, refusals ...int) Finding {
	for range 2 {
		o, reply := p.try(ctx, name, a)
		switch status := statusOf(reply); {
		case o == applied:
			return Finding{ResultNo, errIgnored}
		case o == left && slices.Contains(refusals, status):
		case o == left && status == http.StatusNotImplemented:
			return Finding{ResultNo, notTaken(reply)}
		default:
			return Finding{ResultUnknown, p.explain(ctx, "write", reply)}
		}
	}
	return Finding{Result: ResultYes}
}
