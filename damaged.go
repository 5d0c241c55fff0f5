package rotatelog

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
)

// setAside gives what a stranger put in place of a file a name in damaged/. A
// file keeps its own name too, until it is replaced.
func (s *spool) setAside(name, what string) error {
	info, err := s.fs.Stat(name)
	if err != nil {
		return err
	}
	aside, err := s.newAside(name, func(aside string) error {
		if !info.Mode.IsRegular() {
			return s.fs.Rename(name, aside)
		}
		return s.fs.Link(name, aside)
	})
	if err != nil && info.Mode.IsRegular() { // there may be no hard links
		var content []byte
		if content, err = s.readFile(name); err == nil {
			aside, err = s.keep(name, content)
		}
	}
	if err == nil {
		s.report(Repaired{File: name, Problem: what + " was set aside", Quarantined: aside})
	}
	return err
}

// keep writes bytes that were found in the file called name to damaged/.
func (s *spool) keep(name string, content []byte) (aside string, err error) {
	return s.newAside(name, func(aside string) error {
		f, err := s.fs.OpenFile(aside, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return err
		}
		defer f.Close()
		if _, err := f.WriteAt(content, 0); err != nil {
			return err
		}
		return f.Sync()
	})
}

// keepFile gives a file of the spool, which is never written again, a second
// name in damaged/, or a copy where there are no hard links.
func (s *spool) keepFile(name string) (aside string, err error) {
	aside, err = s.newAside(name, func(aside string) error {
		return s.reserve.helped(func() error { return s.fs.Link(name, aside) })
	})
	if err == nil || noSpace(err) {
		return aside, err
	}
	content, err := s.readFile(name)
	if err != nil {
		return "", err
	}
	return s.keep(name, content)
}

// newAside makes a file in damaged/ under a name that is not taken.
func (s *spool) newAside(name string, create func(aside string) error) (aside string, err error) {
	for n := 1; ; n++ {
		aside = s.path(damagedDir, fmt.Sprintf("%04d-%s", n, path.Base(name)))
		if _, err := s.fs.Stat(aside); err == nil {
			continue
		} else if !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
		if err := create(aside); err != nil {
			return "", err
		}
		return aside, s.fs.SyncDir(s.path(damagedDir))
	}
}
