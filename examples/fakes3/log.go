package main

import (
	"fmt"
	"io"
	"net/http"
	"sync"
)

// requestLog writes a line for each request that a handler has served.
type requestLog struct {
	handler http.Handler

	mu  sync.Mutex // held while a line is written
	out io.Writer
}

// ServeHTTP implements [http.Handler].
func (l *requestLog) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	answer := &countingWriter{ResponseWriter: w}
	defer func() {
		result := "no answer"
		if answer.status != 0 {
			result = fmt.Sprintf("%d", answer.status)
		}
		aborted := recover()
		if aborted != nil {
			result += ", connection broken"
		}
		l.mu.Lock()
		fmt.Fprintf(l.out, "%s %s: %s, %d bytes in, %d out\n", r.Method, target(r), result, max(r.ContentLength, 0), answer.n)
		l.mu.Unlock()
		if aborted != nil {
			panic(aborted)
		}
	}()
	l.handler.ServeHTTP(answer, r)
}

// target returns what a request is about, without x-id, which only repeats it.
func target(r *http.Request) string {
	query := r.URL.Query()
	query.Del("x-id")
	if len(query) == 0 {
		return r.URL.Path
	}
	return r.URL.Path + "?" + query.Encode()
}

// countingWriter records the status and the size of an answer.
type countingWriter struct {
	http.ResponseWriter
	status int
	n      int64
}

func (w *countingWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func (w *countingWriter) Write(p []byte) (int, error) {
	n, err := w.ResponseWriter.Write(p)
	w.n += int64(n)
	return n, err
}

// Unwrap lets an [http.ResponseController] flush.
func (w *countingWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
