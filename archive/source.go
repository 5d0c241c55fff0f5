package archive

import (
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/daytext"
	"example.com/rotatelog/internal/rawjson"
)

// A Source is where uploads of a day may be found besides its object.
type Source interface {
	// String returns what it is, for people.
	String() string
	// Uploads returns the uploads of a day that are whole, with their text. A Sequence of
	// 0 means that it is not known. Batches of a spool that are damaged come too, and say
	// how many fetches they lack: they are used if nothing has all.
	Uploads(ctx context.Context, day rotatelog.Day) ([]rotatelog.DayUpload, error)
}

// SpoolSource is the spool of another machine, or a copy of one, that of the stream itself
// included. All its batches count: the confirmed and the pending ones, the last bodies of
// days, and of the unfinished one what no other upload has. It may be restored from again
// while its Writer appends.
//
// Where a Store lets Writers share keys nothing refuses the Writer of that spool if it
// comes back. It then uploads the unfinished batch again, since that has an id only from
// when it is sealed. To have each fetch once, either start that Writer and restore nothing
// from its spool, or remove the local file, such as all_api.json, before it starts. What
// is pending is recognized by its id, and where a day has one owner the Writer is refused.
// Another restore takes out what is there twice, if its fetches have ids.
func SpoolSource(name string, r *rotatelog.SpoolReader) Source { return spoolSource{name, r} }

type spoolSource struct {
	name string
	r    *rotatelog.SpoolReader
}

func (s spoolSource) String() string { return s.name }

func (s spoolSource) Uploads(ctx context.Context, day rotatelog.Day) ([]rotatelog.DayUpload, error) {
	batches, err := s.r.Batches(day)
	if err != nil {
		return nil, err
	}
	found, err := bodies(s.r, day)
	if err != nil {
		return nil, err
	}
	for _, b := range batches {
		found = append(found, b.DayUpload)
	}
	return found, nil
}

// bodies returns the uploads of the last bodies of a day that a spool keeps.
func bodies(r *rotatelog.SpoolReader, day rotatelog.Day) ([]rotatelog.DayUpload, error) {
	var found []rotatelog.DayUpload
	for _, c := range forms() {
		uploads, err := r.Body(day, c)
		if err != nil {
			return nil, err
		}
		found = append(found, uploads...)
	}
	return found, nil
}

// ArchiveSource is the same stream in another store: a mirror, or files that were
// downloaded into a directory. A restore is rehearsed elsewhere by a Maintenance of
// another Dir and Store, to which the stream itself is a source, as its spool is.
func ArchiveSource(name string, a rotatelog.Archive) Source { return archiveSource{name, a} }

type archiveSource struct {
	name    string
	archive rotatelog.Archive
}

func (s archiveSource) String() string { return s.name }

func (s archiveSource) Uploads(ctx context.Context, day rotatelog.Day) ([]rotatelog.DayUpload, error) {
	d, err := readDay(ctx, s.archive, day, VerifyOptions{})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.name, err)
	}
	uploads := d.whole
	for i := range uploads {
		uploads[i].Off, uploads[i].Len = 0, 0 // of another object
	}
	return uploads, nil
}

// dayRead is what was read of a day.
type dayRead struct {
	Report
	whole  []rotatelog.DayUpload // the uploads that are whole
	unlike []int                 // those of a foreign day that a Writer cannot render
	owner  string                // the Writer that owns the object
	last   string                // upload_timestamp of the last upload

	partial []remains // of uploads that are not whole
	texts   *texts
}

// firstError returns the first finding that is an error. There is one.
func (d dayRead) firstError() Finding {
	return d.Findings[slices.IndexFunc(d.Findings, func(f Finding) bool { return f.Severity() == Error })]
}

// readDay verifies a day, and returns what can be used of it.
func readDay(ctx context.Context, a rotatelog.Archive, day rotatelog.Day, opts VerifyOptions) (dayRead, error) {
	var whole []rotatelog.DayUpload
	var partial []remains
	c, err := verifyDay(ctx, a, day, opts, func(c *check) {
		whole, partial = nil, nil
		c.partial = func(r remains) { partial = append(partial, r) }
		c.whole = func(u rotatelog.DayUpload) {
			if u.Open == nil {
				u.Open = c.texts.open(u.Off+u.Len-u.Size-int64(len(daytext.UploadEnd)), u.Size)
			}
			u.Close = c.texts.close
			whole = append(whole, u)
		}
	})
	if err != nil {
		return dayRead{}, err
	}
	return dayRead{c.Report, whole, c.unlike, c.meta.Owner, c.last, partial, c.texts}, nil
}

// texts yields stretches of the text of a day's object.
type texts struct {
	ctx     context.Context
	archive rotatelog.Archive
	day     *rotatelog.DayText

	r  io.ReadCloser // of a compressed object: its text
	at int64         // where r is
}

// open returns what opens n bytes at off of the text.
func (t *texts) open(off, n int64) func() (io.ReadCloser, error) {
	m, _ := t.day.Metadata()
	if m.Compression == rotatelog.Uncompressed {
		return func() (io.ReadCloser, error) { return t.archive.Store.Read(t.ctx, m.Key, m.Version, off, n) }
	}
	return func() (io.ReadCloser, error) {
		if err := t.seek(off); err != nil {
			return nil, err
		}
		return io.NopCloser(&stretch{t, n}), nil
	}
}

// seek goes to an offset of the text. It is cheap only onwards, so the reader stays open
// until close.
func (t *texts) seek(off int64) error {
	if t.r == nil || off < t.at {
		t.close()
		t.r, t.at = t.day.Open(t.ctx), 0
	}
	n, err := io.CopyN(io.Discard, t.r, off-t.at)
	t.at += n
	return err
}

func (t *texts) close() {
	if t.r != nil {
		t.r.Close()
	}
	t.r = nil
}

// stretch reads on in the text.
type stretch struct {
	t    *texts
	left int64
}

// Read implements io.Reader.
func (s *stretch) Read(p []byte) (int, error) {
	if s.left == 0 {
		return 0, io.EOF
	}
	n, err := s.t.r.Read(p[:min(int64(len(p)), s.left)])
	s.t.at += int64(n)
	if s.left -= int64(n); err == io.EOF && s.left > 0 {
		err = io.ErrUnexpectedEOF
	} else if err == io.EOF {
		err = nil
	}
	return n, err
}

// openForeign returns what opens the fetches of an upload of a foreign day, as a Writer
// renders them. The upload is n bytes at off of the text, after a comma perhaps.
func (t *texts) openForeign(off, n int64) func() (io.ReadCloser, error) {
	open := t.open(off, n)
	return func() (io.ReadCloser, error) {
		r, err := open()
		if err != nil {
			return nil, err
		}
		text := bufio.NewReader(r)
		for {
			c, err := text.ReadByte()
			if err != nil {
				return nil, errors.Join(err, r.Close())
			}
			if c == '{' {
				break
			}
		}
		return &rendered{raw: r, dec: rawjson.NewDecoder(io.MultiReader(strings.NewReader("{"), text))}, nil
	}
}

// rendered yields the fetches of an upload of a foreign day as a Writer renders them.
type rendered struct {
	raw   io.ReadCloser
	dec   *jsontext.Decoder
	begun bool
	first bool   // a fetch was read
	text  []byte // that was rendered, all of it
	left  []byte // of text
	err   error
}

// Read implements io.Reader.
func (r *rendered) Read(p []byte) (int, error) {
	for len(r.left) == 0 && r.err == nil {
		r.err = r.more()
	}
	if len(r.left) == 0 {
		return 0, r.err
	}
	n := copy(p, r.left)
	r.left = r.left[n:]
	return n, nil
}

// more renders the next fetch.
func (r *rendered) more() error {
	for !r.begun {
		t, err := r.dec.ReadToken()
		if err != nil {
			return err
		}
		if t.Kind() == '{' {
			continue
		}
		if r.begun = t.String() == "fetch_data"; r.begun {
			_, err = r.dec.ReadToken()
		} else {
			err = r.dec.SkipValue()
		}
		if err != nil {
			return err
		}
	}
	if r.dec.PeekKind() == ']' {
		return io.EOF
	}
	fetch, err := r.dec.ReadValue()
	if err != nil {
		return err
	}
	r.text = r.text[:0]
	if r.first {
		r.text = append(r.text, daytext.Separator...)
	}
	r.first = true
	r.text, err = rawjson.AppendCompact(r.text, fetch)
	r.left = r.text
	return err
}

// Close implements io.Closer.
func (r *rendered) Close() error { return r.raw.Close() }

// eachFetch calls f with each fetch of an upload.
func eachFetch(u rotatelog.DayUpload, f func(fetch []byte)) error {
	if u.FetchCount == 0 {
		return nil
	}
	text, err := u.Open()
	if err != nil {
		return err
	}
	defer text.Close()
	_, err = rawjson.ReadArray(inArray(text), func(fetch []byte, _ int64) error {
		f(fetch)
		return nil
	})
	return err
}

// readText writes the text of an upload to w.
func readText(u rotatelog.DayUpload, w io.Writer) error {
	text, err := u.Open()
	if err != nil {
		return err
	}
	_, err = io.Copy(w, text)
	return errors.Join(err, text.Close())
}

// textSum returns the SHA-256 of the text of an upload.
func textSum(u rotatelog.DayUpload) (sum [sha256.Size]byte, err error) {
	h := sha256.New()
	err = readText(u, h)
	h.Sum(sum[:0])
	return sum, err
}

// closeAll ends what the reading of uploads has begun.
func closeAll(uploads []rotatelog.DayUpload) {
	for _, u := range uploads {
		if u.Close != nil {
			u.Close()
		}
	}
}

// inArray returns the text of an upload as an array.
func inArray(text io.Reader) io.Reader {
	return io.MultiReader(strings.NewReader("["), text, strings.NewReader("]"))
}
