package dirstore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/copymark"
)

// Copy implements [rotatelog.Copier]. The copy is a file of its own, and no second name
// of the same one, which somebody may edit in place.
func (s *Store) Copy(ctx context.Context, from string, v rotatelog.Version, to string) error {
	d, err := s.current()
	if err == nil {
		err = d.copy(ctx, from, v, to)
	}
	if err != nil {
		return opError("copy", to, s.dir, err)
	}
	return nil
}

func (s *openDir) copy(ctx context.Context, from string, v rotatelog.Version, to string) error {
	if made, err := s.copied(ctx, from, v, to); made || err != nil {
		return err
	}
	if v == "" {
		return fmt.Errorf("%w: the zero Version cannot be copied", rotatelog.ErrConflict)
	}
	o, err := s.stat(ctx, from)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w: %s is not there", rotatelog.ErrConflict, from)
	case err != nil:
		return err
	case o.Version != v:
		return fmt.Errorf("%w: %s was replaced", rotatelog.ErrConflict, from)
	}
	err = s.write(ctx, to, "", origin{from, v}, []rotatelog.Part{rotatelog.Copy(0, o.Size)}, copymark.Meta(from, o))
	if errors.Is(err, rotatelog.ErrConflict) { // perhaps since another has just made it
		made, lookErr := s.copied(ctx, from, v, to)
		if made || lookErr != nil {
			return lookErr
		}
	}
	return err
}

// copied reports whether to is a copy already. It is an error if it is anything else.
func (s *openDir) copied(ctx context.Context, from string, v rotatelog.Version, to string) (bool, error) {
	o, err := s.stat(ctx, to)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, err
	case !copymark.IsCopy(o, from, v):
		return false, fmt.Errorf("%w: it is not a copy of that version", fs.ErrExist)
	}
	return true, nil
}
