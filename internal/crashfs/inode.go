package crashfs

import (
	"io/fs"
	"maps"
	"slices"
	"time"

	"example.com/rotatelog/internal/vfs"
)

// inode is a file, a directory or a symbolic link. What is on disk is the image
// disk, followed by those changes of the log that happen to survive.
type inode struct {
	id     uint64
	target string // of a symbolic link
	seen   image  // what the processes see
	disk   image  // what survives for certain
	log    []entry
	locked bool
}

// image is one state of an inode.
type image struct {
	data    []byte            // of a file
	names   map[string]*inode // of a directory
	mode    fs.FileMode
	modTime time.Time
}

func (im image) clone() image {
	im.data = slices.Clone(im.data)
	im.names = maps.Clone(im.names)
	return im
}

func (im *image) put(off int64, data []byte) {
	if end := off + int64(len(data)); end > int64(len(im.data)) {
		im.resize(end)
	}
	copy(im.data[off:], data)
}

func (im *image) resize(size int64) {
	if grow := size - int64(len(im.data)); grow > 0 {
		im.data = append(im.data, make([]byte, grow)...)
		return
	}
	im.data = im.data[:size]
}

// change is a step from one image to the next.
type change interface{ apply(*image) }

type entry struct {
	change
	fate fate
}

// fate is what became of a change since it was made.
type fate int

const (
	unsynced fate = iota // the next sync makes it durable
	failed               // a sync failed on it: no later sync makes it durable
	durable
)

type resize struct {
	size int64
	at   time.Time
}

func (r resize) apply(im *image) {
	im.resize(r.size)
	im.modTime = r.at
}

type chmod struct{ perm fs.FileMode }

func (c chmod) apply(im *image) { im.mode = im.mode.Type() | c.perm }

// do makes a change that a power cut may undo.
func (n *inode) do(c change) {
	c.apply(&n.seen)
	n.log = append(n.log, entry{c, unsynced})
}

// doDurably makes a change that is durable at once.
func (n *inode) doDurably(c change) {
	c.apply(&n.seen)
	n.log = append(n.log, entry{c, durable})
	n.settle()
}

// sync makes all changes durable, except those on which a sync has failed.
func (n *inode) sync() {
	n.refate(unsynced, durable)
	n.settle()
	if len(n.log) > 0 && !n.isDir() { // lost pages are lost, but the size is not in pages
		n.doDurably(resize{int64(len(n.seen.data)), n.seen.modTime})
	}
}

func (n *inode) refate(from, to fate) {
	for i := range n.log {
		if n.log[i].fate == from {
			n.log[i].fate = to
		}
	}
}

// settle moves durable changes from the log to the disk, up to the first one that
// is not durable.
func (n *inode) settle() {
	done := 0
	for ; done < len(n.log) && n.log[done].fate == durable; done++ {
		n.log[done].apply(&n.disk)
	}
	n.log = slices.Delete(n.log, 0, done)
}

// Permissions of the owner, the only user there is.
const (
	read   fs.FileMode = 0o400
	write  fs.FileMode = 0o200
	search fs.FileMode = 0o100
)

func (n *inode) may(what fs.FileMode) bool { return n.seen.mode&what == what }

func (n *inode) isDir() bool  { return n != nil && n.seen.mode.IsDir() }
func (n *inode) isLink() bool { return n != nil && n.seen.mode&fs.ModeSymlink != 0 }

func (n *inode) info() vfs.Info {
	return vfs.Info{
		Size:    int64(len(n.seen.data) + len(n.target)),
		ModTime: n.seen.modTime,
		Mode:    n.seen.mode,
		ID:      vfs.ID{Dev: 1, Ino: n.id},
	}
}
