package main

import (
	"context"
	"fmt"
	"io"
	"sync/atomic"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/format"
)

// watch returns the store for reading, which shows how much has been read and counts it.
// It says where it is, and can list open uploads, if the store does; other optional
// interfaces are left out.
func (p *progress) watch(store rotatelog.Store, read *atomic.Int64) rotatelog.Store {
	counter := &readCounter{store, read, p}
	if lister, ok := store.(rotatelog.UploadLister); ok {
		return struct {
			*readCounter
			rotatelog.UploadLister
		}{counter, lister}
	}
	return counter
}

type readCounter struct {
	rotatelog.Store
	read     *atomic.Int64 // bytes
	progress *progress
}

// Location implements [rotatelog.Located].
func (s *readCounter) Location() string {
	if l, ok := s.Store.(rotatelog.Located); ok {
		return l.Location()
	}
	return ""
}

// Stat implements [rotatelog.Store].
func (s *readCounter) Stat(ctx context.Context, key string) (rotatelog.Object, error) {
	s.progress.show(key + ": asking for it")
	return s.Store.Stat(ctx, key)
}

// Read implements [rotatelog.Store].
func (s *readCounter) Read(ctx context.Context, key string, v rotatelog.Version, off, n int64) (io.ReadCloser, error) {
	r, err := s.Store.Read(ctx, key, v, off, n)
	if err != nil {
		return nil, err
	}
	return &countingReader{r, s, key}, nil
}

type countingReader struct {
	io.ReadCloser
	store *readCounter
	key   string
}

func (r *countingReader) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	sum := r.store.read.Add(int64(n))
	r.store.progress.show(fmt.Sprintf("%s: %s read", r.key, format.Bytes(sum)))
	return n, err
}
