package s3store

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/hint"
	"example.com/rotatelog/internal/stream"
)

// content is the body of a request. It can be read more than once, to sign it and
// to retry.
type content struct {
	io.ReadSeeker
	size int64
	sum  string // Content-MD5

	file *os.File // that it is read from; nil if it is in memory
	name string   // of the file; "" if it has been removed
}

// close removes the file.
func (c content) close() {
	if c.file != nil {
		c.file.Close()
	}
	if c.name != "" {
		os.Remove(c.name)
	}
}

// maxInMemory is how many bytes of an old version, or of streams, are held in memory.
// The new bytes of a batch already are.
const maxInMemory = 16 << 20

// assembleBody returns the concatenation of parts. It reads streams, and what is
// copied from the server, with as few requests as make sense, into memory or a
// temporary file.
func (s *Store) assembleBody(ctx context.Context, key string, old rotatelog.Version, parts []rotatelog.Part) (content, error) {
	total, read, end := measure(parts)
	src := &oldBody{runs: planRuns(parts)}
	if end >= 0 {
		if err := src.open(ctx, s, key, old, end); err != nil {
			return content{}, err
		}
		defer src.close()
	}
	if read > s.inMemory {
		return spoolContent(ctx, s.opts.TempDir, src, parts, total)
	}
	var texts [][]byte
	for _, p := range parts {
		text := p.Data
		if text == nil {
			var b bytes.Buffer
			b.Grow(int(p.Len) + bytes.MinRead)
			if err := src.writePart(ctx, &b, p); err != nil {
				return content{}, err
			}
			text = b.Bytes()
		}
		texts = append(texts, text)
	}
	return textContent(texts...), nil
}

// textContent returns the concatenation of texts, which it does not copy.
func textContent(texts ...[]byte) content {
	hash := md5.New()
	r := &textsReader{}
	for _, t := range texts {
		hash.Write(t)
		if len(t) > 0 {
			r.texts = append(r.texts, t)
			r.size += int64(len(t))
		}
	}
	return content{ReadSeeker: r, size: r.size, sum: base64.StdEncoding.EncodeToString(hash.Sum(nil))}
}

// spoolContent writes the concatenation of parts to a temporary file.
func spoolContent(ctx context.Context, dir string, src *oldBody, parts []rotatelog.Part, total int64) (c content, err error) {
	f, err := os.CreateTemp(dir, "rotatelog-*.tmp")
	if err != nil {
		return content{}, hint.Add(fmt.Errorf("an object that has to be sent whole is put together on disk first: %w", err), "set s3store.Options.TempDir")
	}
	c = content{ReadSeeker: f, size: total, file: f}
	// The file is removed at once, so that a process that is killed leaves
	// nothing. Where an open file cannot be removed, close does it.
	if os.Remove(f.Name()) != nil {
		c.name = f.Name()
	}
	defer func() {
		if err != nil {
			c.close()
		}
	}()
	hash := md5.New()
	w := io.MultiWriter(f, hash)
	for _, p := range parts {
		if err = src.writePart(ctx, w, p); err != nil {
			return content{}, err
		}
	}
	c.sum = base64.StdEncoding.EncodeToString(hash.Sum(nil))
	_, err = f.Seek(0, io.SeekStart)
	return c, err
}

// textsReader reads texts one after the other.
type textsReader struct {
	texts [][]byte
	size  int64
	at    int64
}

// Read implements [io.Reader].
func (r *textsReader) Read(p []byte) (int, error) {
	off := r.at
	for _, t := range r.texts {
		if off < int64(len(t)) {
			n := copy(p, t[off:])
			r.at += int64(n)
			return n, nil
		}
		off -= int64(len(t))
	}
	return 0, io.EOF
}

// Seek implements [io.Seeker].
func (r *textsReader) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += r.at
	case io.SeekEnd:
		offset += r.size
	}
	if offset < 0 {
		return 0, errors.New("seek before the beginning")
	}
	r.at = offset
	return offset, nil
}

// measure returns the size of parts, how many of these bytes have to be read, since
// they are not Data, and where the last copied byte ends in the old version. The end
// is -1 if they copy nothing.
func measure(parts []rotatelog.Part) (total, read, end int64) {
	end = -1
	for _, p := range parts {
		total += p.Size()
		if p.Data == nil {
			read += p.Len
		}
		if p.IsCopy() {
			end = max(end, p.Off+p.Len)
		}
	}
	return total, read, end
}

// streamed returns how many bytes of parts are read from streams.
func streamed(parts []rotatelog.Part) (n int64) {
	for _, p := range parts {
		if p.Data == nil && !p.IsCopy() {
			n += p.Len
		}
	}
	return n
}

// checkParts refuses parts that cannot make an object.
func checkParts(old rotatelog.Version, parts []rotatelog.Part) error {
	var total int64
	for _, p := range parts {
		if p.IsCopy() && old == "" && p.Len > 0 {
			return errors.New("cannot copy from the old version: there must be none")
		}
		if p.IsCopy() && (p.Off < 0 || p.Len < 0) {
			return fmt.Errorf("cannot copy %d bytes at %d", p.Len, p.Off)
		}
		if p.Size() > maxObject-total || p.IsCopy() && p.Off > maxObject {
			return permanentError("the object would have more than %d bytes, the most that S3 takes", int64(maxObject))
		}
		total += p.Size()
	}
	return nil
}

// A run is a range of the old version that is read with one request.
type run struct{ off, end int64 }

// runGap is how many unneeded bytes between two copies are cheaper to read than
// another request is.
const runGap = 64 << 10

// planRuns returns the runs from which the copies among parts are read, in the
// order of parts.
func planRuns(parts []rotatelog.Part) []run {
	var runs []run
	for _, p := range parts {
		if !p.IsCopy() || p.Len == 0 {
			continue
		}
		if n := len(runs) - 1; n >= 0 && p.Off >= runs[n].end && p.Off-runs[n].end <= runGap {
			runs[n].end = p.Off + p.Len
		} else {
			runs = append(runs, run{p.Off, p.Off + p.Len})
		}
	}
	return runs
}

// oldBody reads what is copied from the old version of an object, run after run.
type oldBody struct {
	openRun func(run) (io.ReadCloser, int64, error) // the run, and the size of the object
	runs    []run                                   // not yet opened
	cur     run
	at      int64 // the offset of reader
	reader  io.ReadCloser
}

// open opens the first run, and checks that the version has at least copied bytes.
func (b *oldBody) open(ctx context.Context, s *Store, key string, old rotatelog.Version, copied int64) error {
	b.openRun = func(r run) (io.ReadCloser, int64, error) { return s.read(ctx, key, old, r.off, r.end-r.off) }
	if len(b.runs) == 0 { // only empty copies
		b.runs = []run{{}}
	}
	size, err := b.next()
	if err != nil {
		return err
	}
	if copied > size {
		b.close()
		return fmt.Errorf("cannot copy up to byte %d of the old version: it has %d", copied, size)
	}
	return nil
}

func (b *oldBody) close() {
	if b.reader != nil {
		b.reader.Close()
	}
}

// next opens the next run, and returns the size of the version.
func (b *oldBody) next() (size int64, err error) {
	b.close()
	b.cur, b.runs = b.runs[0], b.runs[1:]
	b.at = b.cur.off
	b.reader, size, err = b.openRun(b.cur)
	return size, err
}

// writePart writes a part to w.
func (b *oldBody) writePart(ctx context.Context, w io.Writer, p rotatelog.Part) error {
	switch {
	case p.Data != nil:
		_, err := w.Write(p.Data)
		return err
	case p.Open != nil:
		return stream.Copy(ctx, w, p)
	}
	return b.copyTo(w, p.Off, p.Len)
}

// copyTo writes the n bytes at off to w. The ranges must come in the planned order.
func (b *oldBody) copyTo(w io.Writer, off, n int64) error {
	if n == 0 {
		return nil
	}
	if off < b.at || off+n > b.cur.end {
		if _, err := b.next(); err != nil {
			return err
		}
	}
	if _, err := io.CopyN(io.Discard, b.reader, off-b.at); err != nil {
		return noEOF(err)
	}
	if _, err := io.CopyN(w, b.reader, n); err != nil {
		return noEOF(err)
	}
	b.at = off + n
	return nil
}
