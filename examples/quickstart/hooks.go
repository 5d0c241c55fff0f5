package main

import (
	"errors"
	"fmt"
	"net/http"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/format"
)

// The hooks of a show. They are called on goroutines of the Writer.

func (s *show) sealed(e rotatelog.Sealed) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting[e.Day]++
	all := 0
	for _, n := range s.waiting {
		all += n
	}
	s.printLocked("sealed", e.Day, "fetches %d to %d: %s; %s", e.First, e.Last, e.Reason, format.Plural(all, "batch waits", "batches wait"))
}

func (s *show) uploaded(e rotatelog.Uploaded) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting[e.Day]--
	s.failing[e.Day] = false
	s.tried.Broadcast()
	s.printLocked("uploaded", e.Day, "upload %d: %d fetches, %d matches; the day has %d and %d",
		e.Sequence, e.Fetches, e.Matches, e.Totals.Fetches, e.Totals.Matches)
}

// failed prints only the first failed attempt. The Writer tries again at least once a
// minute.
func (s *show) failed(e rotatelog.Failed) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.failing[e.Day] {
		s.printLocked("failed", e.Day, "%s; will be tried again", cause(e.Err))
	}
	s.failing[e.Day] = true
	s.tried.Broadcast()
}

func (s *show) dayChanged(e rotatelog.Totals) {
	s.print("day over", e.Day, "its object has %d uploads, %d fetches, %d matches", e.Uploads, e.Fetches, e.Matches)
}

// cause returns the server's answer, if that caused err. The full error also says
// which operation failed, on which key, and what to do.
func cause(err error) string {
	if e, ok := errors.AsType[*awshttp.ResponseError](err); ok {
		return fmt.Sprintf("%d %s", e.HTTPStatusCode(), http.StatusText(e.HTTPStatusCode()))
	}
	return err.Error()
}

func (s *show) print(what string, day rotatelog.Day, format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.printLocked(what, day, format, args...)
}

func (s *show) printLocked(what string, day rotatelog.Day, format string, args ...any) {
	of := ""
	if !day.IsZero() {
		of = day.String()
	}
	fmt.Fprintf(s.out, "%s  %-8s  %-10s  %s\n", s.clock.Now().Format("15:04"), what, of, fmt.Sprintf(format, args...))
}

// now is the simulated time.
func (s *show) now() string { return s.clock.Now().Format(rotatelog.TimeLayout) }
