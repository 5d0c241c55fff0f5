package main

import (
	"errors"
	"fmt"

	"example.com/rotatelog"
)

// writerFlags are the flags of commands that append or upload. Each stream may have its
// own, also as settings.
type writerFlags struct {
	Envelope    bool                  `setting:"" help:"Put each answer of the API into an envelope, with number, time and count."`
	StrictCount bool                  `setting:"" help:"Refuse a fetch that cannot be counted."`
	Batch       int                   `setting:"" placeholder:"N" default:"10" help:"How many fetches make an upload (default 10)."`
	Compress    rotatelog.Compression `setting:"" placeholder:"FORMAT" default:"none" help:"Of days that begin: none (default), zstd or gzip."`
	Verbatim    bool                  `setting:"" help:"Keep fetches in the local file as they are, not indented."`
	Once        bool                  `setting:"" help:"Do not store again what is equal to a fetch that --dir still has."`
}

// writerFlags returns those of the stream. typed are those of the command, if it has them.
func (s *stream) writerFlags(typed *writerFlags) (f writerFlags, err error) {
	if typed != nil && !s.app.settings.HasOwn(s.Name) {
		f = *typed
	} else if err := s.app.resolve(&f, s.Name); err != nil {
		return f, err
	}
	if f.Batch < 1 {
		return f, usagef("%s: %d is too few: at least one fetch makes an upload", s.origin("batch"), f.Batch)
	}
	return f, nil
}

// writerConfig returns the Config of a Writer of the stream.
func (s *stream) writerConfig(f writerFlags) (rotatelog.Config, error) {
	cfg, err := s.config(rotatelog.Archive{})
	cfg.MaxFetches, cfg.Compression, cfg.Verbatim, cfg.StrictCount = f.Batch, f.Compress, f.Verbatim, f.StrictCount
	return cfg, err
}

// setStore has the Writer upload to the store of the stream, which need not be there now.
func (s *stream) setStore(cfg *rotatelog.Config) error {
	p, err := s.place()
	if err != nil {
		return err
	}
	if cfg.Prefix = s.Prefix; cfg.Prefix == "" {
		cfg.Prefix = p.Prefix
	}
	if cfg.Store, err = p.Lazy(s.app.keys); err != nil {
		return usageError(&incomplete{err})
	}
	return nil
}

// openError returns the error of a Writer that could not be opened.
func (s *stream) openError(err error) error {
	if _, ok := errors.AsType[*rotatelog.Error](err); !ok { // of the Config
		return usageError(err)
	}
	if errors.Is(err, rotatelog.ErrLocked) {
		err = fmt.Errorf("another process is appending to %s; it uploads by itself", s.localFile())
	}
	return failed(err)
}
