package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"example.com/rotatelog/internal/format"
	"example.com/rotatelog/internal/storeurl"
	"example.com/rotatelog/s3store"
)

// localDisk finds out whether fetches can be put on disk.
func (s *stream) localDisk() row {
	r := row{what: "local disk", need: toOwn, ifNo: "no fetch can be put on disk"}
	if s.Dir == "" {
		r.need, r.finding.Err = nobody, errors.New("--dir is not set: append, upload and status need it, such as /var/lib/rotatelog (rotatelog help settings)")
		return r
	}
	dir, missing := existing(s.Dir)
	f, err := os.CreateTemp(dir, "rotatelog-doctor-*")
	if err != nil {
		if errors.Is(err, fs.ErrPermission) {
			err = fmt.Errorf("%w: as root: install -d -o %s -m 0700 %s", err, s.app.env.User(), s.Dir)
		}
		r.finding = s3store.Finding{Result: s3store.ResultNo, Err: err}
		return r
	}
	f.Close()
	os.Remove(f.Name())
	r.finding.Result = s3store.ResultYes
	r.ifOK = "fetches can be put into " + s.Dir
	if missing {
		r.ifOK += ", which will be made"
	}
	if disk, err := s.app.env.DiskOf(dir); err == nil {
		r.ifOK += " (" + format.Bytes(disk.FreeBytes) + " free)"
	}
	return r
}

// existing returns the directory, or the nearest above it that exists.
func existing(dir string) (nearest string, missing bool) {
	for {
		if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
			return dir, missing
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return dir, missing
		}
		dir, missing = parent, true
	}
}

// examineDirectory tests a directory that is the store.
func (s *stream) examineDirectory(place *storeurl.Place, disk row) error {
	r := row{what: "directory", need: toOwn, ifOK: "objects can be put into " + place.Dir, ifNo: "nothing can be stored"}
	f, err := os.CreateTemp(place.Dir, "rotatelog-probe-*")
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("there is no directory %s: mount it, or make it with mkdir", place.Dir)
	}
	if r.finding.Result = s3store.ResultYes; err != nil {
		r.finding = s3store.Finding{Result: s3store.ResultNo, Err: err}
	} else {
		f.Close()
		os.Remove(f.Name())
	}
	table := []row{disk, r}
	s.app.printTable(table)
	if bad := firstBad(table, toOwn); bad != "" {
		s.app.println("")
		s.app.paragraph("No Writer works here: " + bad + ".")
		return errFinding()
	}
	s.app.println("\nA Writer works here.")
	return nil
}
