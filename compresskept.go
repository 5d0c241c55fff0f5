package rotatelog

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"time"

	"example.com/rotatelog/internal/packed"
	"example.com/rotatelog/internal/vfs"
)

// Confirmed batches are compressed in the background, one after the other, by the process
// that publishes. The compressed file is written under a name that nobody looks for, read
// back and compared before it gets its own name; only once that is durable the file that it
// was made from is deleted. Room is needed only for the compressed file. Who has none for a
// fetch takes it away.

// compressPause is the wait after a batch could not be compressed.
const compressPause = time.Hour

// What is no failure of the compression of a batch.
var (
	errInterrupted = errors.New("somebody needs the room, or the Writer is closed")
	errMoved       = errors.New("the batch was deleted or renamed meanwhile")
)

// compressible returns the next of all confirmed batches to be compressed, if that may be
// done now.
func (p *publisher) compressible(all []batch) (b batch, ok bool) {
	p.mu.Lock()
	wait := p.packing || p.packed.wait(p.cfg.Clock.Now(), compressPause) > 0
	p.mu.Unlock()
	if wait || p.spool.isTight() {
		return batch{}, false
	}
	next := toCompress(p.spool.sized(all), p.cfg.KeepUploaded)
	p.mu.Lock()
	defer p.mu.Unlock()
	maps.DeleteFunc(p.unpacked, func(id string, _ time.Time) bool {
		return !slices.ContainsFunc(next, func(b batch) bool { return b.id == id })
	})
	return nextToCompress(next, p.unpacked, p.cfg.Clock.Now())
}

// nextToCompress returns the first of batches that was not tried in vain. If there is none
// it is the one that failed longest ago, once that is compressPause ago: the disk may be
// better by now. A batch that cannot be read must not keep the others from it.
func nextToCompress(batches []batch, failed map[string]time.Time, now time.Time) (next batch, ok bool) {
	for _, b := range batches {
		at, tried := failed[b.id]
		if !tried {
			return b, true
		}
		if now.Sub(at).Abs() >= compressPause && (!ok || at.Before(failed[next.id])) {
			next, ok = b, true
		}
	}
	return next, ok
}

// startCompressing starts to compress a batch, unless one is being compressed. At its end
// the loop comes here again.
func (p *publisher) startCompressing(ctx context.Context) {
	all, err := p.spool.uploaded()
	if err != nil {
		p.endPackDue()
		return // the next pass will say so
	}
	b, ok := p.compressible(all)
	p.mu.Lock()
	p.packing = p.packing || ok
	p.packDue = p.packDue && p.packing
	p.mu.Unlock()
	if !ok {
		return
	}
	p.running.Go(func() { p.compressed(ctx, b, p.spool.usedBy("compress").compress(ctx, b)) })
}

// compressed records how the compression of a batch has ended.
func (p *publisher) compressed(ctx context.Context, b batch, err error) {
	interrupted := ctx.Err() != nil || errors.Is(err, errInterrupted) || vfs.NoSpace(err)
	moved := errors.Is(err, errMoved)
	now := p.cfg.Clock.Now()
	p.mu.Lock()
	p.packing, p.packDue = false, false
	if err == nil {
		p.packed = retryState{}
	} else if !moved {
		p.packed.failures++
		p.packed.due = now.Add(compressPause)
	}
	if err != nil && !interrupted {
		p.unpacked[b.id] = now
	}
	p.mu.Unlock()
	if err != nil && !interrupted && !moved {
		p.cfg.reportNotCompressed(p.cfg.path(p.spool.batchPath(b)), compressPause, err)
	}
	p.endRound()
	p.wake()
}

// setPackDue has the drain that has just begun wait for the compression of one batch.
// Programs that run for one fetch would otherwise never compress any: they drain, and end.
func (p *publisher) setPackDue(drained bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.packDue = p.packDue || drained
}

// waitForPacking has drains wait for the batch that is being compressed, if there is one.
func (p *publisher) waitForPacking() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.packDue = p.packDue || p.packing
	return p.packing
}

// endPackDue has no drain wait for a compression.
func (p *publisher) endPackDue() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.packDue = false
}

// compress replaces the file of a confirmed batch by a compressed one.
func (s *spool) compress(ctx context.Context, b batch) error {
	f, err := s.createCompressing()
	if err != nil {
		return err
	}
	defer f.Close()
	was, err := s.writeCompressed(ctx, b, f)
	if err != nil && !errors.Is(err, errMoved) && s.isDropped() {
		err = errInterrupted
	}
	if err == nil {
		err = s.replaceByCompressed(b, was)
	}
	if err != nil {
		return errors.Join(err, s.remove(s.compressing()))
	}
	return nil
}

// isDropped reports whether somebody has taken the room of the compressed file.
func (s *spool) isDropped() bool {
	_, err := s.fs.Stat(s.compressing())
	return errors.Is(err, fs.ErrNotExist)
}

func (s *spool) compressing() string { return s.path(uploadedDir, packingFile) }

// createCompressing creates the compressed file, in place of one that was left over.
func (s *spool) createCompressing() (vfs.File, error) {
	if err := errors.Join(s.remove(s.compressing()), s.remove(s.path(uploadedDir, droppedFile))); err != nil {
		return nil, err
	}
	return s.fs.OpenFile(s.compressing(), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
}

// writeCompressed writes the compressed form of a batch to a file, durably but for its
// name, and reads it back. It returns what it was made from.
func (s *spool) writeCompressed(ctx context.Context, b batch, f vfs.File) (was vfs.Info, err error) {
	plain, err := s.fs.OpenFile(s.batchPath(b), os.O_RDONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return was, errMoved
	}
	if err != nil {
		return was, err
	}
	defer plain.Close()
	if was, err = plain.Stat(); err != nil {
		return was, err
	}
	text := func() io.Reader { return untilDone{ctx, io.NewSectionReader(plain, 0, was.Size)} }
	to, err := packed.NewFrameWriter(whileRoom{s, io.NewOffsetWriter(f, 0)}, was.Size)
	if err != nil {
		return was, err
	}
	_, err = io.Copy(to, text())
	if err = errors.Join(err, to.Close()); err != nil {
		return was, err
	}
	if err := withoutModes(f.Chmod(fileMode)); err != nil {
		return was, err
	}
	if err := vfs.SyncFile(f); err != nil {
		return was, err
	}
	return was, readBack(f, text())
}

// readBack returns an error unless the text of a compressed file is that of another reader.
func readBack(f vfs.File, want io.Reader) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	got, err := packed.NewFrameReader(io.NewSectionReader(f, 0, info.Size))
	if err != nil {
		return err
	}
	same, err := haveSameText(got, want)
	if err == nil && !same {
		err = errors.New("what was compressed reads differently")
	}
	return err
}

// haveSameText reports whether two readers yield the same.
func haveSameText(a, b io.Reader) (bool, error) {
	x, y := make([]byte, 64<<10), make([]byte, 64<<10)
	for {
		n, err := io.ReadFull(a, x)
		m, err2 := io.ReadFull(b, y)
		ended := isEnd(err)
		switch {
		case err != nil && !ended:
			return false, err
		case err2 != nil && !isEnd(err2):
			return false, err2
		case !bytes.Equal(x[:n], y[:m]):
			return false, nil
		case ended:
			return isEnd(err2), nil
		}
	}
}

func isEnd(err error) bool { return err == io.EOF || err == io.ErrUnexpectedEOF }

// replaceByCompressed has the file that was written replace the one that it was made from,
// unless that has been deleted or renamed meanwhile.
func (s *spool) replaceByCompressed(b batch, was vfs.Info) error {
	defer s.move()()
	plain, compressed := s.batchPath(b), s.batchPath(b.twin())
	now, err := s.fs.Stat(plain)
	if errors.Is(err, fs.ErrNotExist) || err == nil && (now.ID != was.ID || now.Size != was.Size) {
		return errMoved
	}
	if err != nil {
		return err
	}
	if err := s.remove(compressed); err != nil { // of an attempt that failed half way
		return err
	}
	err = s.fs.Rename(s.compressing(), compressed)
	if errors.Is(err, fs.ErrNotExist) {
		return errInterrupted
	}
	if err != nil {
		return err
	}
	if err := s.fs.SyncDir(s.path(uploadedDir)); err != nil {
		return err
	}
	s.unlinkLast(b)
	return s.remove(plain)
}

// dropCompressing gives back the room of a batch that is being compressed, by this process
// or another, which notices that. The file first loses its name: it may be complete, and
// be named as a batch at any moment, whose bytes are then the only ones.
func (s *spool) dropCompressing() error {
	dropped := s.path(uploadedDir, droppedFile)
	err := s.fs.Rename(s.compressing(), dropped)
	if vfs.NoSpace(err) {
		return s.remove(s.compressing())
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := s.fs.OpenFile(dropped, os.O_WRONLY, 0)
	if err == nil {
		err = errors.Join(f.Truncate(0), f.Close())
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission) { // complete, and so read-only
		return err
	}
	return s.remove(dropped)
}

// move keeps batches in uploaded/ from getting other names until the function that it
// returns is called.
func (s *spool) move() (done func()) {
	if s.prunable == nil {
		return func() {}
	}
	s.prunable.moving <- struct{}{}
	return func() { <-s.prunable.moving }
}

// untilDone is a reader that fails once ctx is done.
type untilDone struct {
	ctx context.Context
	r   io.Reader
}

// Read implements io.Reader.
func (u untilDone) Read(p []byte) (int, error) {
	if u.ctx.Err() != nil {
		return 0, errInterrupted
	}
	return u.r.Read(p)
}

// whileRoom writes the file of a batch that is being compressed, until somebody needs the
// room.
type whileRoom struct {
	s *spool
	w io.Writer
}

// Write implements io.Writer.
func (w whileRoom) Write(p []byte) (int, error) {
	if w.s.isTight() || w.s.isDropped() {
		return 0, errInterrupted
	}
	return w.w.Write(p)
}
