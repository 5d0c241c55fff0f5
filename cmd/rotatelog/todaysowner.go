package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"example.com/rotatelog"
	"example.com/rotatelog/s3store"
)

// owner is whether today's object may be written by the Writer of a directory.
type owner struct {
	finding s3store.Finding
	foreign need // who cannot work if not
}

// ownerKey names the metadata with the id of an object's Writer. The Writer has the
// same id in the file owner of its spool.
const ownerKey = "rotatelog-owner"

// lookAtToday compares today's objects with the spool. If there is no spool yet, a new
// Writer would get another id.
func (s *stream) lookAtToday(ctx context.Context, archive rotatelog.Archive) owner {
	spool := s.spoolDir()
	mine, err := readRegular(filepath.Join(spool, "owner"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return owner{s3store.Finding{Err: err}, nobody}
	}
	foreign := toOwn
	if err != nil {
		if _, err := os.Stat(spool); s.Dir == "" || err != nil {
			foreign = nobody // the spool may be on another machine
		}
	}
	for _, c := range []rotatelog.Compression{rotatelog.Uncompressed, rotatelog.Zstd, rotatelog.Gzip} {
		key := archive.Key(s.app.today(), c)
		o, err := archive.Store.Stat(ctx, key)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return owner{s3store.Finding{Err: err}, nobody}
		}
		if theirs := o.Meta[ownerKey]; theirs != "" && theirs != string(mine) {
			return owner{s3store.Finding{Result: s3store.ResultNo, Err: fmt.Errorf(
				"%s belongs to the Writer %s, not to that of %s: if that Writer runs, use its --dir, or another --name or --prefix; "+
					"if its machine or its directory is lost: %s", key, theirs, spool, s.typed("takeover"))}, foreign}
		}
	}
	return owner{s3store.Finding{Result: s3store.ResultYes}, foreign}
}

// readRegular is os.ReadFile that does not wait for a pipe.
func readRegular(name string) ([]byte, error) {
	if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no regular file, but %v; move it away", name, info.Mode())
	}
	return os.ReadFile(name)
}
