package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"path"
	"strings"
	"sync"

	"example.com/rotatelog"
	"example.com/rotatelog/dirstore"
)

// fileStore returns the Store of file:///DIR.
func fileStore(u *url.URL) (rotatelog.Store, error) {
	if u.Host != "" || !path.IsAbs(u.Path) {
		return nil, fmt.Errorf("-store %s: the path must be absolute, with three slashes: file:///DIR", u)
	}
	if u.RawQuery != "" || u.ForceQuery || u.Fragment != "" {
		return nil, fmt.Errorf("-store %s: in a path, write ? as %%3F and # as %%23", u)
	}
	return &lazyStore{location: path.Clean(u.Path), open: func() (rotatelog.Store, error) { return dirstore.Open(u.Path) }}, nil
}

// lazyStore opens a store on first use, and tries again until that works: fetches
// must be kept even if the store's disk is not mounted.
type lazyStore struct {
	location string // of the store, known before it is open
	open     func() (rotatelog.Store, error)

	mu     sync.Mutex
	opened rotatelog.Store // mu guards it
}

func (s *lazyStore) store() (rotatelog.Store, error) {
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
