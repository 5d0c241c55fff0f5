package fakes3

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ParseFault returns the faults that a text asks for, to be set as
// [Server.Fault]. The text consists of rules, separated by commas:
//
//	OPERATION:WHICH:WHAT
//
// OPERATION is a name such as PutObject, or * for any. WHICH counts the
// requests of one name from 1: 3 is the third, 2-4 the second to the fourth, 5-
// the fifth and all that follow, * every one. The first rule that matches a request
// applies. WHAT is one or more of these, joined by +:
//
//	503             answer with this status, and apply nothing
//	500/SomeCode    the same, with this code
//	drop            break the connection, and apply nothing
//	lost            answer as if it had been applied, and apply nothing
//	later           break the connection, or answer the status, and apply it at Release
//	absent          answer a HEAD or GET with a 404 without a body, as a proxy does
//	stale=2         answer a HEAD with the version of two writes ago
//	linger          a completed upload stays open, and aborting it deletes the object
//	delay=2s        wait first
//	cut=100         break the connection after 100 bytes of the answer's body
//	trickle=10/1s   send the answer's body 10 bytes at a time, with a second after each
//
// With -after behind it, a status, drop or delay comes after the request was
// applied. For example:
//
//	PutObject:3:500,HeadObject:*:503,CompleteMultipartUpload:1:delay=5s+drop-after
func ParseFault(spec string) (func(Op) Fault, error) {
	var rules []rule
	for text := range strings.SplitSeq(spec, ",") {
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		r, err := parseRule(text)
		if err != nil {
			return nil, fmt.Errorf("fault %q: %w", text, err)
		}
		rules = append(rules, r)
	}
	return func(op Op) Fault {
		for _, r := range rules {
			if (r.name == "*" || r.name == op.Name) && r.first <= op.N && op.N <= r.last {
				return r.fault
			}
		}
		return Fault{}
	}, nil
}

type rule struct {
	name        string
	first, last int
	fault       Fault
}

func parseRule(text string) (rule, error) {
	fields := strings.Split(text, ":")
	if len(fields) != 3 {
		return rule{}, fmt.Errorf("it must be OPERATION:WHICH:WHAT")
	}
	r := rule{name: fields[0]}
	known := slices.ContainsFunc(operations, func(o operation) bool { return o.name == r.name })
	if r.name != "*" && !known {
		return rule{}, fmt.Errorf("there is no operation %q", r.name)
	}
	var err error
	if r.first, r.last, err = parseWhich(fields[1]); err != nil {
		return rule{}, err
	}
	for term := range strings.SplitSeq(fields[2], "+") {
		if err := r.fault.add(term); err != nil {
			return rule{}, err
		}
	}
	return r, nil
}

func parseWhich(text string) (first, last int, err error) {
	if text == "*" {
		return 1, math.MaxInt, nil
	}
	from, to, isRange := strings.Cut(text, "-")
	first, err = strconv.Atoi(from)
	switch {
	case !isRange:
		last = first
	case to == "":
		last = math.MaxInt
	case err == nil:
		last, err = strconv.Atoi(to)
	}
	if err != nil || first < 1 || last < first {
		return 0, 0, fmt.Errorf("%q is not *, N, N-M or N- with N from 1", text)
	}
	return first, last, nil
}

// add makes f do what term says, too.
func (f *Fault) add(term string) error {
	bare, after := strings.CutSuffix(term, "-after")
	name, value, _ := strings.Cut(bare, "=")
	var err error
	switch {
	case bare == "drop":
		f.Drop = true
	case name == "delay":
		f.Delay, err = time.ParseDuration(value)
	case after && !isStatus(bare):
		err = fmt.Errorf("only a status, drop or delay can come after")
	case bare == "lost":
		f.Lost = true
	case bare == "later":
		f.Later = true
	case bare == "linger":
		f.Linger = true
	case bare == "absent":
		f.Absent = true
	case name == "stale":
		f.Stale, err = parseWrites(value)
	case name == "cut":
		f.Cut = true
		f.CutAt, err = parseSize(value)
	case name == "trickle":
		err = f.parseTrickle(value)
	case isStatus(bare):
		f.Reply = parseReply(bare)
	default:
		err = fmt.Errorf("it is not a status, drop, lost, later, linger, absent, stale=, delay=, cut= or trickle=")
	}
	if err != nil {
		return fmt.Errorf("%q: %w", term, err)
	}
	f.After = f.After || after
	return nil
}

func isStatus(text string) bool { return parseReply(text).Status != 0 }

// parseReply parses 500 or 500/Code, or returns the zero Error.
func parseReply(text string) Error {
	status, code, _ := strings.Cut(text, "/")
	n, err := strconv.Atoi(status)
	if err != nil || n < 400 || n > 599 {
		return Error{}
	}
	return Error{Status: n, Code: code}
}

func parseWrites(text string) (int, error) {
	n, err := strconv.Atoi(text)
	if err == nil && (n < 1 || n > maxStale) {
		err = fmt.Errorf("it is not from 1 to %d", maxStale)
	}
	return n, err
}

func parseSize(text string) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err == nil && n < 0 {
		err = fmt.Errorf("it is negative")
	}
	return n, err
}

func (f *Fault) parseTrickle(value string) error {
	size, pause, _ := strings.Cut(value, "/")
	n, err := strconv.Atoi(size)
	if err != nil || n < 1 {
		return fmt.Errorf("it must be trickle=BYTES/PAUSE")
	}
	f.Trickle = n
	f.Pause, err = time.ParseDuration(pause)
	return err
}
