package archive

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"

	"example.com/rotatelog"
)

// ExportFolder exports each day to a file of its own below a folder, such as
// day=2025-07-10/all_api.ndjson, which engines take for partitions by day. It yields what
// was exported of each day, or why it was not; then the days after it follow. A day that
// has no object yields an error that matches [fs.ErrNotExist].
//
// A file appears when it is complete, and nothing is left of one that is not. A day whose
// object is the one that its file was made from, with the same options, is left as it is
// unless Again is set: so a second run goes on where the first has stopped, and exports
// anew a day that has grown meanwhile. Of two runs at once the later one replaces the files
// of the other, each as a whole. A day without rows has no file; if there is one, of
// another version or of other options, it is left as it is, and the error matches
// ErrNothing, unless Again is set: then it is removed.
func ExportFolder(ctx context.Context, a rotatelog.Archive, folder string, days []rotatelog.Day, opts ExportOptions) iter.Seq2[ExportedDay, error] {
	return func(yield func(ExportedDay, error) bool) {
		e, err := newExporter(a, opts)
		if err != nil {
			yield(ExportedDay{}, err)
			return
		}
		made, err := makeDirs(folder)
		if err != nil {
			yield(ExportedDay{}, err)
			return
		}
		defer made.removeEmpty()
		removeStale(folder, e.name()+".")
		for _, day := range days {
			r, err := e.untilStill(func() (ExportedDay, error) { return e.toFolder(ctx, folder, day) })
			if !yield(r, err) || ctx.Err() != nil {
				return
			}
		}
	}
}

// name returns the name of the stream.
func (e *exporter) name() string { return cmp.Or(e.archive.Name, "all_api") }

// toFolder exports a day to a file below a folder.
func (e *exporter) toFolder(ctx context.Context, folder string, day rotatelog.Day) (ExportedDay, error) {
	s, err := e.open(ctx, day)
	if err != nil {
		return ExportedDay{Day: day}, err
	}
	file := filepath.Join(folder, "day="+day.String(), e.name()+s.ext)
	if !e.opts.Again && s.isDone(file) {
		return s.ExportedDay, nil
	}
	p, err := newPartFile(folder, file)
	if err != nil {
		return s.ExportedDay, err
	}
	defer p.discard()
	if err := s.exportTo(ctx, p); err != nil {
		return s.ExportedDay, err
	}
	return s.ExportedDay, s.finish(folder, file, p)
}

// finish gives the file of a day its name.
func (s *exportSource) finish(folder, file string, p *partFile) error {
	if s.Rows == 0 && !s.opts.Raw {
		return s.finishEmpty(folder, file)
	}
	info, err := p.finish()
	if err != nil {
		return err
	}
	s.File = file
	return s.mark(folder, file, info)
}

// finishEmpty deals with a day that has no rows.
func (s *exportSource) finishEmpty(folder, file string) error {
	_, err := os.Stat(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return fileError(file, err)
	case !s.opts.Again:
		return nothingFound(file)
	default:
		if err := os.Remove(file); err != nil {
			return fileError(file, err)
		}
	}
	return s.mark(folder, file, nil)
}

// ExportFile exports days to one file, which begins anew. It yields what was exported of
// each day. A day that has no object yields an error that matches [fs.ErrNotExist], and is
// left out; after any other error nothing follows, and the file is as it was before. It
// appears when all days are in it, before the iteration ends. If there are no rows at all
// there is no file, and the last error matches ErrNothing.
func ExportFile(ctx context.Context, a rotatelog.Archive, file string, days []rotatelog.Day, opts ExportOptions) iter.Seq2[ExportedDay, error] {
	return func(yield func(ExportedDay, error) bool) {
		e, err := newExporter(a, opts)
		if err == nil && opts.Raw && len(days) != 1 {
			err = fmt.Errorf("rotatelog: the objects of %d days do not go into one file: export to a folder", len(days))
		}
		if err != nil {
			yield(ExportedDay{}, err)
			return
		}
		if opts.Raw {
			yield(e.untilStill(func() (ExportedDay, error) { return e.objectToFile(ctx, file, days[0]) }))
			return
		}
		if err := e.toFile(ctx, file, days, yield); err != nil && !errors.Is(err, errStopped) {
			yield(ExportedDay{}, err)
		}
	}
}

// objectToFile exports a day as it is to a file.
func (e *exporter) objectToFile(ctx context.Context, file string, day rotatelog.Day) (ExportedDay, error) {
	p, err := newTarget(file)
	if err != nil {
		return ExportedDay{}, err
	}
	defer p.discard()
	s, err := e.open(ctx, day)
	if err != nil {
		return ExportedDay{Day: day}, err
	}
	s.File = file
	if err = s.exportTo(ctx, p); err == nil {
		_, err = p.finish()
	}
	return s.ExportedDay, err
}

// newTarget makes the file that an export to one file replaces, and removes what others have
// left.
func newTarget(file string) (*partFile, error) {
	name, err := target(file)
	if err != nil {
		return nil, err
	}
	removeStale(filepath.Dir(name), filepath.Base(name)+"-")
	return newPartFile(filepath.Dir(name), name)
}

// errStopped ends an export that nobody wants any more.
var errStopped = errors.New("stopped")

// toFile exports days to a file. The error is not of a day, or errStopped.
func (e *exporter) toFile(ctx context.Context, file string, days []rotatelog.Day, yield func(ExportedDay, error) bool) error {
	p, err := newTarget(file)
	if err != nil {
		return err
	}
	defer p.discard()
	out, err := e.newSheet(p)
	if err != nil {
		return err
	}
	rows, found, err := e.allTo(ctx, out, slices.Values(days), file, yield)
	if closed := out.close(); err == nil {
		err = closed
	}
	switch {
	case err != nil:
		return err
	case !found: // which has been said of each
		return nil
	case rows == 0:
		if _, err := os.Stat(file); err == nil {
			return nothingFound(file)
		}
		return &rotatelog.Error{Op: "export", Key: file, Err: ErrNothing}
	}
	_, err = p.finish()
	return err
}

// allTo exports days to a sheet. found reports whether one of them has an object.
func (e *exporter) allTo(ctx context.Context, out *sheet, days iter.Seq[rotatelog.Day], file string, yield func(ExportedDay, error) bool) (rows int64, found bool, err error) {
	for day := range days {
		s, err := e.open(ctx, day)
		if err == nil {
			found, s.File = true, file
			err = s.export(ctx, out)
			rows += s.Rows
		} else {
			s = &exportSource{ExportedDay: ExportedDay{Day: day}}
		}
		if !yield(s.ExportedDay, err) || err != nil && !errors.Is(err, fs.ErrNotExist) {
			return rows, found, errStopped
		}
	}
	return rows, found, nil
}
