package rotatelog

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"example.com/rotatelog/internal/cutoff"
	"example.com/rotatelog/internal/hint"
)

// ReadOptions say how days are read. The zero value is a good choice.
type ReadOptions struct {
	// MaxFetchBytes is the size of the largest fetch, in the form that it has in the
	// object: 64 MiB unless set. A larger one is an error.
	MaxFetchBytes int64
	// Location is the zone of the timestamps: America/New_York unless set.
	Location *time.Location
	// Clock waits between attempts to read: the system's unless set.
	Clock Clock
}

// checked returns the options with their defaults filled in, or what is wrong with them.
func (o ReadOptions) checked() (ReadOptions, error) {
	o.MaxFetchBytes = cmp.Or(o.MaxFetchBytes, defaultMaxFetchBytes)
	if o.MaxFetchBytes < 0 {
		return o, errors.New("MaxFetchBytes may not be negative")
	}
	if o.Clock == nil {
		o.Clock = systemClock{}
	}
	if o.Location == nil {
		loc, err := time.LoadLocation(defaultZone)
		if err != nil {
			return o, fmt.Errorf("Location: %w", err)
		}
		o.Location = loc
	}
	return o, nil
}

// DayMetadata is what is known of a day's object without reading its uploads. It is what
// the Writer, or the other program, that wrote the object says of it.
type DayMetadata struct {
	Key         string
	Version     Version
	Size        int64 // of the object, in bytes
	Compression Compression
	Totals      Totals
	// First and Last are the upload_timestamp of the first and the last upload, in
	// TimeLayout; "" if there are none.
	First, Last string
	// LastSequence is the upload_sequence of the last upload; 0 if it is not known,
	// because the object's own metadata is lost.
	LastSequence int
	Owner        string // the id of the Writer that owns the object; "" if it names none
	// Layout says where daily_metadata is: "metadata first", "metadata last" or, in an
	// object that another program began, "foreign".
	Layout string
}

// DayReader reads a day's object, as it was when OpenDay returned, also when it grows
// meanwhile. It holds no connection, and is safe for concurrent use.
type DayReader struct {
	dayObject
	object Object
	doc    dayState
}

// OpenDay opens the day's object at key. Its error matches [fs.ErrNotExist] if there is
// none. It takes one request, unless the object's own metadata is lost: then it reads the
// beginning and the end of the object as well and, if that is not in the form of a Writer,
// all of it.
func OpenDay(ctx context.Context, store Store, key string, opts ReadOptions) (*DayReader, error) {
	opts, err := opts.checked()
	if err == nil && noStore(store) {
		err = errors.New("Store is not set")
	}
	if err != nil {
		return nil, fmt.Errorf("rotatelog: %w", err)
	}
	_, day, ok := parseKey(key)
	if !ok {
		return nil, newError("open", key, fmt.Errorf("not the key of a day: that ends with %s2025-07-10.json, or with .zst or .gz after it", keyMiddle))
	}
	o := dayObject{store: store, key: key, day: day, opts: opts}
	return o.open(ctx)
}

// Metadata returns what is known of the day without reading it. It makes no request.
func (d *DayReader) Metadata() DayMetadata {
	m := DayMetadata{
		Key: d.key, Version: d.object.Version, Size: d.object.Size, Compression: d.day.pack,
		Totals: d.doc.totals, First: d.doc.first, Last: d.doc.last, LastSequence: d.doc.lastSequence,
		Owner: d.object.Meta[ownerKey], Layout: "foreign",
	}
	switch d.doc.layout() {
	case metadataFirst:
		m.Layout = "metadata first"
	case metadataLast:
		m.Layout = "metadata last"
	}
	return m
}

// dayObject is where a day's object is, and how it is read.
type dayObject struct {
	store Store
	key   string
	day   dayKey
	opts  ReadOptions
}

func (o dayObject) open(ctx context.Context) (*DayReader, error) {
	for lost := 0; ; lost++ {
		obj, err := o.stat(ctx)
		if err != nil {
			return nil, storeError("open", o.key, err)
		}
		doc, ok := documentFromMeta(o.day, obj)
		if !ok {
			doc, err = o.findMetadata(ctx, obj)
			err = o.unmixed(ctx, obj, err)
		}
		if errors.Is(err, ErrConflict) && lost < maxRebases {
			continue
		}
		if err != nil {
			return nil, storeError("open", o.key, err)
		}
		return &DayReader{o, obj, doc}, nil
	}
}

func (o dayObject) stat(ctx context.Context) (Object, error) {
	for failures := 0; ; {
		obj, err := o.store.Stat(ctx, o.key)
		if err == nil {
			return obj, nil
		}
		if err := o.again(ctx, &failures, err); err != nil {
			return Object{}, err
		}
	}
}

// maxReads is how many attempts to read may fail in a row. Together they wait for about
// half a minute.
const maxReads = 10

// again waits before another attempt, and counts a failure, or returns why there is to be
// none.
func (o dayObject) again(ctx context.Context, failures *int, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	*failures++
	if permanent(err) || errors.Is(err, ErrConflict) || errors.Is(err, fs.ErrNotExist) || *failures >= maxReads {
		return err
	}
	return o.opts.Clock.Sleep(ctx, backoff(*failures, randomJitter))
}

// frameBytes is how much is read of the beginning and the end of an object whose own
// metadata is lost: more than our frame around the entries has.
const frameBytes = 4 << 10

// findMetadata finds out what the object's own metadata does not say.
func (o dayObject) findMetadata(ctx context.Context, obj Object) (dayState, error) {
	head, err := o.bytes(ctx, obj, 0, min(obj.Size, frameBytes))
	if err != nil {
		return dayState{}, err
	}
	if doc, ok := documentFromHead(o.day, obj.Size, head); ok {
		return doc, nil
	}
	if pack := compressionOf(head); pack != Uncompressed && o.day.pack == Uncompressed {
		return dayState{}, fmt.Errorf("%w: it is compressed with %v, which its key does not say", errNotDaily, pack)
	}
	n := min(obj.Size, frameBytes)
	tail, err := o.bytes(ctx, obj, obj.Size-n, n)
	if err != nil {
		return dayState{}, err
	}
	if doc, ok := documentFromTail(o.day, obj.Size, head, tail); ok {
		return doc, nil
	}
	r := o.read(ctx, obj, 0, obj.Size)
	defer r.close()
	doc, _, err := scanDocument(o.day, r, obj.Size, o.opts.MaxFetchBytes)
	return doc, forReader(err)
}

// forReader returns an error of scanDocument with what a reader can do about it. A reader
// has no use for another Prefix, which is what helps a Writer.
func forReader(err error) error {
	if !errors.Is(err, errNotDaily) || errors.Is(err, errOldScript) {
		return err
	}
	_, cause := hint.Split(err)
	return hint.Add(cause, "restore the day")
}

// compressionOf returns how an object that begins so is compressed.
func compressionOf(head []byte) Compression {
	switch {
	case bytes.HasPrefix(head, []byte("\x28\xb5\x2f\xfd")):
		return Zstd
	case bytes.HasPrefix(head, []byte("\x1f\x8b")):
		return Gzip
	}
	return Uncompressed
}

// documentFromHead returns what an object of metadataFirst says of itself. ok is false if
// it is none. Of the entries it is not known what their last sequence is.
func documentFromHead(o dayKey, size int64, head []byte) (d dayState, ok bool) {
	_, text, ok := bytes.Cut(head, []byte(firstFields))
	if !ok {
		return d, false
	}
	fields, _, ok := bytes.Cut(text, []byte(firstUploads))
	if !ok {
		return d, false
	}
	if d, ok = parseFields(o, fields); !ok {
		return d, false
	}
	return d.framed(metadataFirst, size, head, nil)
}

// documentFromTail is documentFromHead for metadataLast.
func documentFromTail(o dayKey, size int64, head, tail []byte) (d dayState, ok bool) {
	i := bytes.LastIndex(tail, []byte(lastFields))
	if i < 0 {
		return d, false
	}
	fields, _, ok := bytes.Cut(tail[i+len(lastFields):], []byte(lastClose))
	if !ok {
		return d, false
	}
	if d, ok = parseFields(o, fields); !ok {
		return d, false
	}
	return d.framed(metadataLast, size, head, tail)
}

// framed returns d with where its entries are in an object of that layout. ok is false if
// head does not begin as such an object does, or tail does not end so.
func (d dayState) framed(l layout, size int64, head, tail []byte) (_ dayState, ok bool) {
	begin, end := d.frame(l)
	d.size, d.begin, d.end = size, int64(len(begin)), size-int64(len(end))
	if !bytes.HasPrefix(head, begin) || d.begin > d.end {
		return d, false
	}
	if d.pack == Gzip { // the checksum of all text, and its length
		end, tail = end[:len(end)-8], tail[:max(len(tail)-8, 0)]
	}
	if l == metadataLast && !bytes.HasSuffix(tail, end) {
		return d, false
	}
	if d.pack == Uncompressed {
		d.placeFrame(l)
	}
	return d, true
}

// bytes returns n bytes at off of a version.
func (o dayObject) bytes(ctx context.Context, obj Object, off, n int64) ([]byte, error) {
	r := o.read(ctx, obj, off, off+n)
	defer r.close()
	b := make([]byte, n)
	_, err := io.ReadFull(r, b)
	return b, err
}

// read returns a reader of a version from off to end.
func (o dayObject) read(ctx context.Context, obj Object, off, end int64) *versionReader {
	return &versionReader{dayObject: o, ctx: ctx, object: obj, off: off, end: end}
}

// unmixed returns err, or what is to be concluded if that says that a version is damaged,
// and it is not the current one any more. A server may mix two versions while one replaces
// the other, as versitygw does in both HEAD and GET; then neither is damaged.
func (o dayObject) unmixed(ctx context.Context, was Object, err error) error {
	if !errors.Is(err, ErrDamaged) {
		return err
	}
	is, failed := o.stat(ctx)
	switch {
	case failed != nil && !errors.Is(failed, fs.ErrNotExist):
		return failed
	case failed == nil && is.Version == was.Version && is.Size == was.Size:
		return err
	}
	return &Error{Op: "read", Key: o.key, Err: fmt.Errorf("%w: %w", ErrReplaced, ErrConflict), Hint: "read it again"}
}

// versionReader reads a version of an object. Where a connection breaks it reads the rest
// with another request.
type versionReader struct {
	dayObject
	ctx      context.Context // of the one iteration that the reader serves
	object   Object
	off, end int64
	body     io.ReadCloser
	failures int   // in a row
	err      error // after which there are no more reads
}

func (r *versionReader) Read(p []byte) (int, error) {
	for r.err == nil {
		if r.off >= r.end {
			r.err = io.EOF
			break
		}
		n, err := r.readSome(p)
		r.off += int64(n)
		if err != nil {
			r.close()
		}
		if n > 0 {
			r.failures = 0
			return n, nil
		}
		if err != nil {
			r.err = r.failed(err)
		}
	}
	return 0, r.err
}

func (r *versionReader) readSome(p []byte) (n int, err error) {
	if ctx := r.ctx; ctx.Err() != nil {
		return 0, context.Cause(ctx)
	}
	if r.body == nil {
		if r.body, err = r.store.Read(r.ctx, r.key, r.object.Version, r.off, r.end-r.off); err != nil {
			r.body = nil
			return 0, err
		}
	}
	for range 100 {
		if n, err = r.body.Read(p[:min(int64(len(p)), r.end-r.off)]); n > 0 || err != nil {
			break
		}
	}
	if n == 0 && err == nil {
		err = io.ErrNoProgress
	}
	if err == io.EOF {
		err = cutoff.Errorf("the store ended at byte %d of %d", r.off+int64(n), r.end)
	}
	return n, err
}

// failed prepares another attempt, or returns why there is none.
func (r *versionReader) failed(err error) error {
	if errors.Is(err, fs.ErrNotExist) { // not %w: there was one
		err = fmt.Errorf("%w: it was deleted: %v", ErrConflict, err)
	}
	return r.again(r.ctx, &r.failures, err)
}

func (r *versionReader) close() {
	if r.body != nil {
		r.body.Close()
		r.body = nil
	}
}

// damaged is unmixed for what was read.
func (r *versionReader) damaged(err error) error { return r.unmixed(r.ctx, r.object, err) }

// isBroken reports whether reading failed, and did not merely end.
func (r *versionReader) isBroken() bool { return r.err != nil && r.err != io.EOF }
