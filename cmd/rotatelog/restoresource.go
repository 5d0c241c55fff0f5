package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"example.com/rotatelog"
	"example.com/rotatelog/archive"
	"example.com/rotatelog/internal/dayfiles"
)

// countedSource is a source that remembers how many uploads of the day it has.
type countedSource struct {
	archive.Source
	label   string // what it is
	where   string // it is
	uploads int
}

// Uploads implements [archive.Source].
func (s *countedSource) Uploads(ctx context.Context, day rotatelog.Day) ([]rotatelog.DayUpload, error) {
	uploads, err := s.Source.Uploads(ctx, day)
	ids := map[string]bool{} // a spool may have an upload twice
	for _, u := range uploads {
		if u.Lacks == 0 {
			ids[u.ID] = true
		}
	}
	s.uploads = len(ids)
	return uploads, err
}

func (r *restoreRun) add(label, where string, source archive.Source) {
	counted := &countedSource{Source: source, label: label, where: where}
	r.sources = append(r.sources, counted)
	r.opts.Sources = append(r.opts.Sources, counted)
}

// addStore adds the same stream in another store.
func (r *restoreRun) addStore(label, name, flag, url string) error {
	place, err := r.stream.placeOf(flag, url)
	if err != nil {
		return err
	}
	days, err := r.stream.archiveAt(place)
	if err != nil {
		return err
	}
	r.add(label, place.String(), archive.ArchiveSource(cmp.Or(name, place.String()), days))
	return nil
}

// addSource adds what --source names: a store, the directory of another machine, or days
// as files.
func (r *restoreRun) addSource(name string) error {
	if strings.Contains(name, "://") {
		return r.addStore("source", "", "source", name)
	}
	if _, err := os.Stat(name); err != nil {
		return usagef("--source: %w", err)
	}
	isSpool, err := r.addSpool(name)
	if err != nil {
		return err
	}
	files, err := dayfiles.Open(name, r.stream.Name)
	switch {
	case err == nil:
		days := rotatelog.Archive{Store: files, Name: r.stream.Name, ReadOptions: r.archive.ReadOptions}
		r.add("source", name, archive.ArchiveSource(name, days))
	case errors.Is(err, fs.ErrNotExist) && !isSpool:
		return usagef("--source %s: there is neither %s.spool nor a daily object of %s in it", name, r.stream.Name, r.stream.Name)
	case !errors.Is(err, fs.ErrNotExist):
		return usagef("--source: %w", err)
	}
	return nil
}

// addSpool adds the spool in the directory of another machine, if there is one.
func (r *restoreRun) addSpool(dir string) (found bool, err error) {
	if _, err := os.Stat(filepath.Join(dir, r.stream.Name+".spool")); err != nil {
		return false, nil
	}
	reader, err := rotatelog.OpenSpoolReader(rotatelog.Config{Dir: dir, Name: r.stream.Name, Location: r.app.zone, Count: r.opts.Count})
	if err != nil {
		return false, fmt.Errorf("--source %s: %w", dir, err)
	}
	r.atEnd = append(r.atEnd, reader.Close)
	r.add("source", dir, archive.SpoolSource(dir, reader))
	return true, nil
}
