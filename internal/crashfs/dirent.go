package crashfs

import (
	"errors"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"syscall"
	"time"
)

// relink points names of a directory to new inodes, or removes those whose inode
// is nil, all in one step.
type relink struct {
	names map[string]*inode
	at    time.Time
}

func (r relink) apply(im *image) {
	for name, node := range r.names {
		if node == nil {
			delete(im.names, name)
		} else {
			im.names[name] = node
		}
	}
	im.modTime = r.at
}

// place is where a name leads: to a name in a directory, and to the inode that
// has it, nil if none has. The root has no directory.
type place struct {
	dir  *inode
	name string
	node *inode
}

var errEscapes = errors.New("path leads out of the directory")

const maxSymlinks = 8 // as os.Root has it

// walk finds the place of a name. Symbolic links on the way are followed, and
// one at the end if follow is set.
func (f *FS) walk(name string, follow bool) (place, error) {
	if !fs.ValidPath(name) {
		return place{}, fs.ErrInvalid
	}
	dirs := []*inode{f.root} // the way from the root, for ".." in links
	todo := strings.Split(name, "/")
	for links := 0; len(todo) > 0; {
		dir, part := dirs[len(dirs)-1], todo[0]
		todo = todo[1:]
		switch part {
		case ".", "":
			continue
		case "..":
			if len(dirs) == 1 {
				return place{}, errEscapes
			}
			dirs = dirs[:len(dirs)-1]
			continue
		}
		if !dir.may(search) {
			return place{}, syscall.EACCES
		}
		node := dir.seen.names[part]
		last := len(todo) == 0
		switch {
		case node.isLink() && (follow || !last):
			if links++; links > maxSymlinks {
				return place{}, syscall.ELOOP
			}
			if path.IsAbs(node.target) {
				return place{}, errEscapes
			}
			todo = append(strings.Split(node.target, "/"), todo...)
		case last:
			return place{dir, part, node}, nil
		case node == nil:
			return place{}, syscall.ENOENT
		case !node.isDir():
			return place{}, syscall.ENOTDIR
		case !node.may(read): // os.Root opens each directory on the way
			return place{}, syscall.EACCES
		default:
			dirs = append(dirs, node)
		}
	}
	return place{node: dirs[len(dirs)-1]}, nil
}

// walkBoth finds the places of an existing name and of a new one.
func (f *FS) walkBoth(oldname, newname string) (from, to place, err error) {
	if from, err = f.walk(oldname, false); err != nil {
		return from, to, err
	}
	if to, err = f.walk(newname, false); err != nil {
		return from, to, err
	}
	switch {
	case from.node == nil:
		err = syscall.ENOENT
	case from.dir == nil || to.dir == nil:
		err = syscall.EBUSY
	}
	return from, to, err
}

// find returns the inode that a name leads to, links followed.
func (f *FS) find(name string) (*inode, error) {
	at, err := f.walk(name, true)
	if err == nil && at.node == nil {
		err = syscall.ENOENT
	}
	return at.node, err
}

// findDir returns a directory that may be read.
func (f *FS) findDir(name string) (*inode, error) {
	node, err := f.find(name)
	switch {
	case err != nil:
		return nil, err
	case !node.may(read):
		return nil, syscall.EACCES
	case !node.isDir():
		return nil, syscall.ENOTDIR
	}
	return node, nil
}

// create makes a file or directory at a free place.
func (f *FS) create(at place, kind, perm fs.FileMode) (*inode, error) {
	switch {
	case perm != perm.Perm():
		return nil, fs.ErrInvalid
	case !at.dir.may(write):
		return nil, syscall.EACCES
	case f.free() == 0:
		return nil, syscall.ENOSPC
	}
	node := f.newInode(kind | perm)
	at.dir.do(relink{map[string]*inode{at.name: node}, f.now()})
	return node, nil
}

// visit calls fn for n and all below it, in the order of names.
func (n *inode) visit(name string, fn func(name string, n *inode)) {
	fn(name, n)
	for _, child := range slices.Sorted(maps.Keys(n.seen.names)) {
		n.seen.names[child].visit(path.Join(name, child), fn)
	}
}
