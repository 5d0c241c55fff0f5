package rotatelog

import (
	"context"
	"io"
	"iter"
	"time"
)

// Store is a map from key to object, each version replaced only as a whole.
// It is the one thing that rotatelog asks of the place where the daily objects
// live. s3store.Store, dirstore.Store and storetest.Mem implement it; storetest.Run
// holds every "must" of this page and is meant to be run on your own.
//
// Every method must be safe for concurrent use, and must return soon after ctx
// is done.
type Store interface {
	// Stat describes the current version of the object at key. Its error must
	// match [fs.ErrNotExist] if, and only if, there is no object; every other
	// error means that it is not known whether there is one.
	Stat(ctx context.Context, key string) (Object, error)

	// Read returns n bytes at off of version v of the object at key; a negative
	// n means all from off on. A range that goes past the end must be an error,
	// from Read or from the reader, never a short read without one. If v is no
	// longer the current version the error must match [ErrConflict]; the
	// reader must never yield bytes of another version. The caller closes it.
	Read(ctx context.Context, key string, v Version, off, n int64) (io.ReadCloser, error)

	// Write replaces the object at key by the concatenation of parts, with meta
	// as its metadata, if and only if its current version is old; the zero
	// Version means that there must be no object. Readers must see the version
	// before or the version after, whole, and never anything else.
	//
	// nil means that it was applied, as far as the store can tell. An error
	// that matches [ErrConflict] means that it was not, as far as the store can
	// tell. Any other error means that this is unknown: it may have been
	// applied, or may yet be. An error that no retry will fix should match
	// [ErrPermanent] and say what to do.
	//
	// Write must not change or keep parts, their Data, or meta. Metadata names
	// consist of a-z, 0-9 and '-', values of printable ASCII, and all of it is
	// below 2 KB.
	Write(ctx context.Context, key string, old Version, parts []Part, meta map[string]string) error
}

// SingleWriter may be implemented by a Store besides its methods. If it returns
// true, no two Writers may share a key of this Store, since nothing would keep
// one from overwriting the other: each object then carries the name of the
// Writer that owns it, and another refuses to write it.
type SingleWriter interface{ SingleWriter() bool }

// IntentWriter may be implemented by a Store besides its methods, if its Write takes
// several requests, as the multipart uploads of S3 do. The last of these can take
// effect long after Write has returned, and one that came to nothing leaves
// something behind. So a Writer keeps a durable note of each until it is resolved,
// and writes nothing else to the key before. storetest.Run holds this, too.
type IntentWriter interface {
	// WriteIntent is Write, but before it sends anything of which something may
	// remain it must call note with a text, one line that holds no secret, by
	// which Resolve can tell what that is. It may call note again, also with "",
	// which says that nothing is left to be resolved. If note returns an error,
	// nothing may be applied any more, and WriteIntent must return the error.
	WriteIntent(ctx context.Context, key string, old Version, parts []Part, meta map[string]string, note func(text string) error) error

	// Resolve returns nil when what the text describes was applied, or never will
	// be. Any error means that this is not known yet. It may be called again, with
	// the text that it or WriteIntent gave to note last. Before it sends anything whose
	// time matters later it calls note, as WriteIntent does; if that fails, Resolve
	// must return the error and send nothing more.
	Resolve(ctx context.Context, text string, note func(text string) error) error

	// Sweep removes what writes to the key left behind more than a day ago, as far as
	// that is safe. It must leave alone what the texts in keep describe: those that were
	// noted for the key and are not resolved.
	Sweep(ctx context.Context, key string, keep []string) error

	// MinCopy returns how long a Copy must be, in bytes, for the Store to make
	// it without reading it. A Writer that has the bytes of a shorter one
	// gives them as Data.
	MinCopy() int64
}

// Prover may be implemented by a Store besides its methods, if what its Write can
// rely on differs from place to place and has to be found out. A Writer calls Prove
// before it writes to a key, and keeps the text that it returns for the next time,
// also in another process. storetest.Run holds this, too.
type Prover interface {
	// Prove returns a text, one line that holds no secret, which says what the
	// Store has found out about the place where it writes. known is the text that it
	// returned last, or "". As long as that holds, Prove returns it and makes no
	// request. Otherwise it finds out again, on throwaway objects beside key, which
	// it removes again. A text that is of another place, is too old, or does not
	// parse must not be believed. An error means that nothing may be written yet; one
	// that matches [ErrPermanent] says what to do.
	Prove(ctx context.Context, key, known string) (string, error)
}

// Located may be implemented by a Store besides its methods. Two Stores whose
// locations are equal hold the same objects, and two whose locations are not
// hold others. A Store that is not Located is one place, whatever it is.
type Located interface {
	// Location returns where the objects are, in the same spelling each time, for
	// people to read and without a secret: host and bucket, or an absolute path.
	Location() string
}

// Lister may be implemented by a Store besides its methods, if it can say which objects
// there are. storetest.Run holds this, too.
type Lister interface {
	// List returns the keys of the objects whose keys begin with prefix, each once, in
	// the order of their bytes. An error ends it, and so does the end of ctx, whose
	// cause the error then matches. The list may lag behind writes: an object that was
	// written or deleted a moment ago may be missing or still there, and so may one that
	// is written or deleted meanwhile. An error that matches [errors.ErrUnsupported] says
	// that there is no list: a wrapper may be a Lister, and what it wraps none.
	List(ctx context.Context, prefix string) iter.Seq2[string, error]
}

// Copier may be implemented by a Store besides its methods, if it can copy an object
// without sending it to the caller. storetest.Run holds this, too.
type Copier interface {
	// Copy makes an object at to that has the content of version v of the object at
	// from, and its metadata. It is not a Write: to must be a key that is used for this
	// copy only, named by time and version for example, and never has another writer.
	//
	// nil means that to holds the copy. If it already did when Copy was called, and
	// has its size, nothing is copied, and from may have been replaced since. The Store
	// must know that without reading either object: those of rotatelog add an entry
	// rotatelog-copy-of to the metadata of to, with from, v and the size. If to holds
	// anything else the error must match [fs.ErrExist], and to must stay as it is.
	//
	// If v is not the current version of from, or no longer is when it has been copied,
	// the error must match [ErrConflict]. Then nothing is at to, or the error says that
	// it could not be removed again. After any other error, to may hold the copy, now
	// or later; Copy may be called again. An error that matches
	// [errors.ErrUnsupported] says that there is no copying: a wrapper may be a Copier,
	// and what it wraps none.
	Copy(ctx context.Context, from string, v Version, to string) error
}

// Warner may be implemented by a Store besides its methods, if something about its
// configuration is likely to be a mistake.
type Warner interface {
	// Warning returns what the log of a Writer says of the Store when it is opened, a
	// sentence or some without a secret, or "".
	Warning() string
}

// Version names one version of one object. It is opaque, and compared only for
// equality: two versions of a key with different contents must have different
// Versions. The zero Version means that there is no object, so no Store may
// return it with a nil error.
type Version string

// Object is what a Store knows of the current version of an object. All of it
// must belong to that one version.
type Object struct {
	Version Version
	Size    int64             // bytes
	Meta    map[string]string // as written; a Store may lose it, but never change it
}

// Part is one piece of the object that a Write makes: Data; or, where Open is set, the
// Len bytes of a stream; or, where neither is set, Len bytes at Off of the old version.
type Part struct {
	Data []byte
	Off  int64
	Len  int64
	// Open returns the stream. A Write calls it at most once, closes what it returns
	// before it returns itself, and fails if that has another length, or fails to be
	// opened or read: nothing is applied then, and the error wraps that of the stream
	// and names the part by its index. Write does not hold more than some megabytes of
	// a stream in memory, except that storetest.Mem keeps all of it.
	Open func() (io.ReadCloser, error)
}

// Data returns a part that consists of b, which it does not copy.
func Data(b []byte) Part {
	if b == nil {
		b = []byte{}
	}
	return Part{Data: b}
}

// Copy returns a part that consists of n bytes at off of the old version.
func Copy(off, n int64) Part { return Part{Off: off, Len: n} }

// Stream returns a part that consists of the n bytes that a reader yields.
func Stream(n int64, open func() (io.ReadCloser, error)) Part { return Part{Len: n, Open: open} }

// Size returns how many bytes the part adds to the object.
func (p Part) Size() int64 {
	if p.Data != nil {
		return int64(len(p.Data))
	}
	return p.Len
}

// IsCopy reports whether the part is copied from the old version.
func (p Part) IsCopy() bool { return p.Data == nil && p.Open == nil }

// UploadLister may be implemented by a Store besides its methods, if a write that its
// Writer has given up, or did not live to see the end of, may still take effect, as the
// multipart uploads of S3 may. Who takes over the objects of a lost Writer, whose intents
// are lost with it, asks for them.
type UploadLister interface {
	// OpenUploads returns the writes to the key that are not finished.
	OpenUploads(ctx context.Context, key string) ([]OpenUpload, error)
	// AbortUpload ends one of them, so that it takes no effect any more. It must be an
	// error if the upload is younger than 15 minutes: it may be taking effect.
	AbortUpload(ctx context.Context, key, id string) error
}

// OpenUpload is a write that is not finished.
type OpenUpload struct {
	Key string // of the object
	ID  string
	Age time.Duration // since it was begun or last added to, by the store's clock
}
