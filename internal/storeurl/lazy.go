package storeurl

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"strings"
	"sync"

	"example.com/rotatelog"
	"example.com/rotatelog/dirstore"
)

// Lazy returns a store that is opened when it is used, and that is tried again until it
// works: fetches must be kept even if its disk is not mounted. Its directory is made if
// only the last part of its path is missing. Of a bucket, it is what Open returns.
func (p *Place) Lazy(keys *Keys) (rotatelog.Store, error) {
	if p.Dir == "" {
		return p.openS3(keys)
	}
	return &lazyStore{location: p.Dir, open: func() (copyingStore, error) { return dirstore.Open(p.Dir) }}, nil
}

// lazyStore is a directory that is opened on first use.
type lazyStore struct {
	location string // of the store, known before it is open
	open     func() (copyingStore, error)

	mu     sync.Mutex
	opened copyingStore // mu guards it
}

// copyingStore is a Store with all that a directory can do besides.
type copyingStore interface {
	rotatelog.Store
	rotatelog.Copier
	rotatelog.Lister
}

func (s *lazyStore) store() (copyingStore, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.opened == nil {
		opened, err := s.open()
		if err != nil {
			return nil, err
		}
		s.opened = opened
	}
	return s.opened, nil
}

// Location implements rotatelog.Located.
func (s *lazyStore) Location() string { return s.location }

func (s *lazyStore) Stat(ctx context.Context, key string) (rotatelog.Object, error) {
	store, err := s.store()
	if err != nil {
		return rotatelog.Object{}, notOpened(err)
	}
	return store.Stat(ctx, key)
}

func (s *lazyStore) Read(ctx context.Context, key string, v rotatelog.Version, off, n int64) (io.ReadCloser, error) {
	store, err := s.store()
	if err != nil {
		return nil, notOpened(err)
	}
	return store.Read(ctx, key, v, off, n)
}

func (s *lazyStore) Write(ctx context.Context, key string, old rotatelog.Version, parts []rotatelog.Part, meta map[string]string) error {
	store, err := s.store()
	if err != nil {
		return notOpened(err)
	}
	return store.Write(ctx, key, old, parts, meta)
}

func (s *lazyStore) Copy(ctx context.Context, from string, v rotatelog.Version, to string) error {
	store, err := s.store()
	if err != nil {
		return notOpened(err)
	}
	return store.Copy(ctx, from, v, to)
}

func (s *lazyStore) List(ctx context.Context, prefix string) iter.Seq2[string, error] {
	store, err := s.store()
	if err != nil {
		return func(yield func(string, error) bool) { yield("", notOpened(err)) }
	}
	return store.List(ctx, prefix)
}

// notOpened makes sure that a store that cannot be opened is not mistaken for one in
// which the object is missing.
func notOpened(err error) error {
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if errors.Is(err, rotatelog.ErrPermanent) {
		return fmt.Errorf("%w: %s", rotatelog.ErrPermanent, strings.TrimPrefix(err.Error(), rotatelog.ErrPermanent.Error()+": "))
	}
	return errors.New(err.Error())
}
