package rotatelog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"time"

	"example.com/rotatelog/internal/hint"
	"example.com/rotatelog/internal/packed"
	"example.com/rotatelog/internal/vfs"
)

// Maintenance is what programs that mend days use of a stream: its spool and its store,
// beside the Writer of the stream if one is running. Package archive has such programs.
// Its methods are safe for concurrent use.
type Maintenance struct {
	SpoolReader
	publisher *publisher // not started
	stats     counters
	closed    func() error
}

// OpenMaintenance opens the spool of the stream, which is made if it is not there. It
// takes no lock, and changes nothing that a Writer uses.
func OpenMaintenance(ctx context.Context, cfg Config) (*Maintenance, error) {
	cfg, err := cfg.checked()
	if err != nil {
		return nil, fmt.Errorf("rotatelog: %w", err)
	}
	fail := func(err error) (*Maintenance, error) {
		return nil, newError("open", cfg.path(cfg.Name+".spool"), err)
	}
	fsys := cfg.fs
	if fsys == nil {
		if fsys, err = vfs.Dir(cfg.Dir); err != nil {
			return fail(err)
		}
	}
	s, err := newSpool(vfs.WithoutDirSync(fsys, cfg.reportNoDirSync), &cfg)
	if err != nil {
		return fail(errors.Join(err, fsys.Close()))
	}
	m := &Maintenance{SpoolReader: SpoolReader{cfg: &cfg, spool: s}}
	m.publisher = newPublisher(&cfg, s, func(context.Context) {}, &m.stats)
	m.closed = onceValue(s.fs.Close)
	if err := m.publisher.loadPlaces(); err != nil {
		return nil, errors.Join(err, m.Close())
	}
	if err := m.publisher.prepare(ctx, nil); err != nil {
		return nil, errors.Join(err, m.Close())
	}
	m.place = &m.publisher.place
	return m, nil
}

// Close closes the spool. Days that are locked stay locked until they are unlocked.
func (m *Maintenance) Close() error { return m.closed() }

// Owner returns the id by which this spool's Writer marks its objects, "" where the
// Store lets Writers share keys.
func (m *Maintenance) Owner() string { return m.publisher.owner }

// A LockedDay is a day that no Writer, and no other program, changes until it is
// unlocked. The Writer continues with other days.
type LockedDay struct {
	w    *dayWorker
	lock io.Closer
}

// LockDay waits for the lock of a day's object, until ctx is done. The error then
// matches ErrLocked.
func (m *Maintenance) LockDay(ctx context.Context, day Day, c Compression) (*LockedDay, error) {
	const pause = 50 * time.Millisecond
	for {
		lock, err := m.spool.lockDay(day)
		switch {
		case err == nil:
			d, err := m.publisher.locked(dayKey{day, c}, lock)
			if err != nil {
				return nil, errors.Join(err, lock.Close())
			}
			return d, nil
		case !errors.Is(err, vfs.ErrLocked):
			return nil, newError("lock", m.cfg.path(m.spool.dayLockPath(day)), err)
		}
		if err := m.cfg.Clock.Sleep(ctx, pause); err != nil {
			return nil, newError("lock", m.cfg.path(m.spool.dayLockPath(day)),
				fmt.Errorf("%w: it is writing to a day that has the same lock: %w", ErrLocked, err))
		}
	}
}

// locked returns a day whose lock is held.
func (p *publisher) locked(day dayKey, lock io.Closer) (*LockedDay, error) {
	batches, err := p.spool.pending()
	if err != nil {
		return nil, newError("list", p.cfg.path(p.spool.path(pendingDir)), err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	w := p.worker(day)
	// Intents name those that wait, and must continue to.
	w.waiting = slices.DeleteFunc(batches, func(b batch) bool { return b.dayKey() != day })
	return &LockedDay{w, lock}, nil
}

// Unlock gives the day back.
func (d *LockedDay) Unlock() error { return d.lock.Close() }

// Resolve ends the doubt about a write that was begun earlier, and returns the object
// as it is then. Its Version is "" if there is none.
func (d *LockedDay) Resolve(ctx context.Context) (Object, error) {
	if err := d.w.resolve(ctx); err != nil {
		return Object{}, err
	}
	obj, err := d.w.cfg.Store.Stat(ctx, d.w.key())
	if errors.Is(err, fs.ErrNotExist) {
		return Object{}, nil
	}
	if err != nil {
		return Object{}, storeError("look at", d.w.key(), err)
	}
	return obj, nil
}

// Write replaces the version old of the day's object by one that consists of uploads, in
// their order, and returns its version. The owner of the object stays, and must be this
// spool's Writer. The error matches ErrConflict if another version is there now. Whatever
// the error, it is not known whether the object was replaced until Resolve returns.
func (d *LockedDay) Write(ctx context.Context, old Version, uploads []DayUpload) (Version, error) {
	w := d.w
	obj, err := d.Resolve(ctx)
	if err != nil {
		return "", err
	}
	if obj.Version != old {
		return "", newError("write", w.key(), fmt.Errorf("%w: it has changed since it was looked at", ErrConflict))
	}
	seen := snapshot{version: obj.Version, owner: obj.Meta[ownerKey], doc: dayState{size: obj.Size}}
	if err := w.checkOwner(seen); err != nil {
		return "", err
	}
	parts, doc, err := d.rebuild(ctx, obj, uploads)
	if err != nil {
		return "", newError("write", w.key(), err)
	}
	after, reply, err := d.send(ctx, step{seen: seen, parts: parts, doc: doc})
	if err != nil {
		return "", err
	}
	// Where only the metadata beside the object was wrong the version stays as it is.
	if !doc.isLike(after.doc) || after.version == old && obj.Meta[cacheKey] == doc.meta()[cacheKey] {
		return "", w.writeLost("write", reply)
	}
	w.recordSeen(after)
	return after.version, nil
}

// send writes the next version, and returns what is seen then. An id that no object has
// is in its intent, so that nothing that is seen ends the doubt about the write.
func (d *LockedDay) send(ctx context.Context, next step) (after snapshot, reply, err error) {
	w := d.w
	next.ids = []string{w.spool.newID()}
	_, reply = w.write(ctx, next)
	if after, err = w.lookResolved(ctx, anySequence); err != nil {
		return snapshot{}, nil, errors.Join(reply, err)
	}
	return after, reply, d.dropIntent(next.ids[0])
}

// dropIntent takes back that a write with that id was intended. It is resolved.
func (d *LockedDay) dropIntent(id string) error {
	w := d.w
	in, ok, err := w.spool.loadIntent(w.intentName())
	if err != nil {
		return newError("read", w.cfg.path(w.spool.intentPath(w.intentName())), err)
	}
	if !ok || in.Text != "" {
		return nil
	}
	if in.IDs = slices.DeleteFunc(in.IDs, func(s string) bool { return s == id }); len(in.IDs) > 0 {
		return w.saveIntent(in)
	}
	return w.forgetIntent()
}

// CheckOwner returns an error if another Writer owns the object that obj describes.
func (d *LockedDay) CheckOwner(obj Object) error {
	return d.w.checkOwner(snapshot{owner: obj.Meta[ownerKey]})
}

// Keep copies the version that obj describes, and its metadata, to the key to, which is
// for this copy only. A Store that is a [Copier] copies it itself. The error matches
// [ErrConflict] if that version is no longer there, and [fs.ErrExist] or ErrConflict if
// to has an object; compare the two then, which may be like each other.
func (d *LockedDay) Keep(ctx context.Context, obj Object, to string) error {
	w := d.w
	if err := w.prove(ctx); err != nil {
		return err
	}
	if c, ok := w.cfg.Store.(Copier); ok {
		err := c.Copy(ctx, w.key(), obj.Version, to)
		if !errors.Is(err, errors.ErrUnsupported) {
			return keepError(to, err)
		}
	}
	return d.keepByStream(ctx, obj, to)
}

// keepByStream reads the version and writes it.
func (d *LockedDay) keepByStream(ctx context.Context, obj Object, to string) error {
	w := d.w
	open := func() (io.ReadCloser, error) { return w.cfg.Store.Read(ctx, w.key(), obj.Version, 0, obj.Size) }
	parts := []Part{Stream(obj.Size, open)}
	store, ok := w.cfg.Store.(IntentWriter)
	if !ok {
		return keepError(to, w.cfg.Store.Write(ctx, to, "", parts, obj.Meta))
	}
	id := w.spool.newID()
	in, err := w.intend([]string{id})
	if err != nil {
		return err
	}
	reply := store.WriteIntent(ctx, to, "", parts, obj.Meta, w.saver(in))
	if err := w.resolve(ctx); err != nil {
		return errors.Join(reply, err)
	}
	return errors.Join(keepError(to, reply), d.dropIntent(id))
}

func keepError(to string, err error) error {
	if err == nil {
		return nil
	}
	return storeError("keep", to, err)
}

// Adopt makes this spool's Writer the owner of the version old of the day's object,
// which keeps its uploads. Whoever owned it before, who is named by owner, is refused from
// then on. It does nothing where the Store lets Writers share keys, or if the owner is
// right already. The error matches ErrConflict if the version or the owner is another now.
//
// daily_metadata is put to where it was not. If the day is over it stays last then until
// a batch is uploaded to the day, or the day is written from its uploads.
func (d *LockedDay) Adopt(ctx context.Context, old Version, owner string) (Version, error) {
	w := d.w
	obj, err := d.Resolve(ctx)
	if err != nil {
		return "", err
	}
	if obj.Version != old {
		return "", newError("adopt", w.key(), fmt.Errorf("%w: it has changed since it was looked at", ErrConflict))
	}
	if !exclusive(w.cfg.Store) || obj.Meta[ownerKey] == w.owner {
		return old, nil
	}
	if obj.Meta[ownerKey] != owner {
		return "", newError("adopt", w.key(), fmt.Errorf("%w: its owner has changed since it was looked at", ErrConflict))
	}
	seen, err := w.look(ctx, anySequence)
	if err != nil {
		return "", err
	}
	if seen.version != old {
		return "", newError("adopt", w.key(), fmt.Errorf("%w: it has changed since it was looked at", ErrConflict))
	}
	parts, doc := seen.doc.adopted()
	after, reply, err := d.send(ctx, step{seen: seen, parts: parts, doc: doc})
	if err != nil {
		return "", err
	}
	if after.owner != w.owner || !doc.isLike(after.doc) {
		return "", w.writeLost("adopt", reply)
	}
	return after.version, nil
}

// Seed has the next Writer of the stream continue a day where another spool left it:
// with the number after number, and in an object compressed with c. It does nothing if
// the spool has a fetch of that day itself, and then returns false. The error matches
// ErrLocked if a Writer has the stream open.
func (m *Maintenance) Seed(day Day, number int, c Compression) (seeded bool, err error) {
	s := m.spool
	fail := func(err error) (bool, error) { return false, newError("seed", m.cfg.path(s.path(progressFile)), err) }
	lock, err := s.lock(appendLock)
	if errors.Is(err, vfs.ErrLocked) {
		err = hint.Add(ErrLocked, "stop it first")
	}
	if err != nil {
		return fail(err)
	}
	defer lock.Close()
	names, err := s.names()
	if err != nil {
		return fail(err)
	}
	p, err := s.loadProgress()
	if err != nil {
		return fail(err)
	}
	array, err := s.loadArray()
	if err != nil {
		return fail(err)
	}
	if len(array.records) > 0 || p.number(day) >= number || slices.ContainsFunc(names, func(b batch) bool { return b.day == day }) {
		return false, nil
	}
	if p.Order == 0 && len(names) == 0 && !array.exists { // a new spool, whose array would be taken for lost
		if err := errors.Join(s.array.replace(), s.array.close()); err != nil {
			return fail(err)
		}
	}
	p.Order = max(p.Order, latest(names).order+1)
	if err := s.saveProgress(p.withLast(day, number, c).startBatch(day)); err != nil {
		return fail(err)
	}
	return true, nil
}

// rebuild chooses the layout of a day that is written from uploads, in place of obj. A day
// that was closed stays so, though the clock was set back.
func (d *LockedDay) rebuild(ctx context.Context, obj Object, uploads []DayUpload) ([]Part, dayState, error) {
	w := d.w
	parts, doc, err := rebuild(w.day, metadataFirst, uploads)
	if err != nil || doc.size < w.cfg.largeDay || w.isOver(w.day.day) {
		return parts, doc, err
	}
	closed, err := w.wasClosed(ctx, obj)
	if err != nil || closed {
		return parts, doc, err
	}
	return rebuild(w.day, metadataLast, uploads)
}

// Compression returns what days that begin are compressed with.
func (m *Maintenance) Compression() Compression { return m.cfg.Compression }

// Count counts the matches of a fetch by Config.Count.
func (m *Maintenance) Count(fetch []byte) (int64, error) { return checkedCount(m.cfg.Count, fetch) }

// Now returns the time by Config.Clock.
func (m *Maintenance) Now() time.Time { return m.cfg.Clock.Now() }

// A DayUpload is an upload as it is to be in a day's object that is written from
// uploads. Its text is its fetches, each compact, with ",\n" between them.
type DayUpload struct {
	Sequence   int // upload_sequence, larger than that of the upload before it
	Timestamp  string
	Matches    int64
	FetchCount int
	ID         string
	SHA256     string // "" if it has none

	// Counted says that Matches is what a rule has given when the upload was read, and
	// stands nowhere.
	Counted bool

	// Lacks is how many of its fetches cannot be read, where a batch in a spool is damaged.
	// FetchCount and the text are of the others then.
	Lacks int

	// Open returns the text, of Size bytes. It may be called more than once.
	Open func() (io.ReadCloser, error)
	Size int64
	// Close, if it is set, ends what Open may leave open so that the next upload can be
	// read from there. Open may be called again after it.
	Close func()

	// Off is where the upload is, head and all, in the object that is replaced, and Len
	// how long it is there, if that is uncompressed and the upload stays as it is. The
	// store then copies it. 0: it is written from its text.
	Off, Len int64
}

func (u DayUpload) upload() upload {
	return upload{Timestamp: u.Timestamp, Matches: u.Matches, Fetches: u.FetchCount, ID: u.ID, SHA256: u.SHA256}
}

// rebuild returns the parts that make a day's object of uploads, in that layout, and
// what is then to be known of it.
func rebuild(o dayKey, to layout, uploads []DayUpload) (parts []Part, next dayState, err error) {
	next = dayState{totals: Totals{Day: o.day}, pack: o.pack}
	r := rebuilding{next: &next}
	for _, u := range uploads {
		if err := r.add(u); err != nil {
			return nil, dayState{}, err
		}
	}
	head, tail := next.frame(to)
	next.begin = int64(len(head))
	next.end = next.begin + r.size
	next.size = next.end + int64(len(tail))
	if next.pack == Uncompressed {
		next.placeFrame(to)
	}
	parts = appendData(nil, head)
	for _, p := range r.parts {
		if p.Data != nil {
			parts = appendData(parts, p.Data)
		} else {
			parts = append(parts, p)
		}
	}
	return appendData(parts, tail), next, nil
}

// rebuilding collects the parts of uploads.
type rebuilding struct {
	next  *dayState
	parts []Part
	size  int64 // of parts, in bytes
}

func (r *rebuilding) push(p Part) {
	r.parts = append(r.parts, p)
	r.size += p.Size()
}

func (r *rebuilding) add(u DayUpload) error {
	separator := []byte("\n")
	if r.next.totals.Uploads > 0 {
		separator = []byte(entrySeparator)
	}
	if sequence := r.next.add(int64(u.Sequence), u.upload()); sequence != u.Sequence {
		return fmt.Errorf("upload %s: its sequence, %d, is not larger than that of the upload before it", u.ID, u.Sequence)
	}
	if u.Len > 0 && r.next.pack == Uncompressed {
		r.copy(u, separator)
		return nil
	}
	head := u.upload().head(u.Sequence).Append(separator)
	if r.next.pack != Uncompressed {
		return r.addPacked(u, head)
	}
	r.push(Data(head))
	r.push(Stream(u.Size, u.Open))
	r.push(Data([]byte(entryClose)))
	return nil
}

// copy adds an upload that is copied, in one part with the one before it if they stand
// side by side.
func (r *rebuilding) copy(u DayUpload, separator []byte) {
	between := int64(len(separator))
	if n := len(r.parts); n > 0 && r.parts[n-1].IsCopy() && r.parts[n-1].Off+r.parts[n-1].Len+between == u.Off {
		r.parts[n-1].Len += between + u.Len
		r.size += between + u.Len
		return
	}
	r.push(Data(separator))
	r.push(Copy(u.Off, u.Len))
}

// addPacked adds an upload that is compressed. Its text is read twice, so that no more
// than one compressed upload is in memory.
func (r *rebuilding) addPacked(u DayUpload, head []byte) error {
	format := r.next.pack.format()
	piece, sum, err := u.pack(format)
	if err != nil {
		return err
	}
	r.push(Data(format.AppendStored(nil, head, false)))
	r.push(Stream(int64(len(piece)), func() (io.ReadCloser, error) {
		piece, _, err := u.pack(format)
		if err != nil {
			return nil, err
		}
		return io.NopCloser(bytes.NewReader(piece)), nil
	}))
	r.next.sum = r.next.sum.Join(packed.ChecksumOf(head)).Join(sum)
	return nil
}

// pack returns the piece that the text of u and its end are compressed to.
func (u DayUpload) pack(format packed.Format) ([]byte, packed.Checksum, error) {
	text, err := u.Open()
	if err != nil {
		return nil, packed.Checksum{}, err
	}
	defer text.Close()
	to, err := packed.NewWriter(format, u.Size)
	if err == nil {
		_, err = io.Copy(to, text)
	}
	if err == nil {
		_, err = to.Write([]byte(entryClose))
	}
	if err != nil {
		return nil, packed.Checksum{}, fmt.Errorf("upload %s: %w", u.ID, err)
	}
	return to.Finish()
}
