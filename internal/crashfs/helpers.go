package crashfs

import (
	"io/fs"
	"slices"
	"syscall"
)

// The helpers look at the disk, or change it, as a person in another program
// would. They are not operations: Before is not asked, Capacity and file modes do
// not matter, and they still work after a power cut. What they change is durable at
// once.

// ReadFile returns the content of a file, as a process sees it.
func (f *FS) ReadFile(name string) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	node, err := f.find(name)
	if err == nil && node.isDir() {
		err = syscall.EISDIR
	}
	if err != nil {
		return nil, &fs.PathError{Op: "readfile", Path: name, Err: err}
	}
	return append([]byte{}, node.seen.data...), nil
}

// WriteFile changes a file in place: it keeps its ID and its mode. If there is none,
// it creates one with perm.
func (f *FS) WriteFile(name string, data []byte, perm fs.FileMode) error {
	return f.edit("writefile", name, true, func(at place) error {
		if at.node == nil {
			f.put(at, data, perm)
			return nil
		}
		if at.node.isDir() {
			return syscall.EISDIR
		}
		now := f.now()
		at.node.doDurably(resize{0, now})
		at.node.doDurably(written{0, slices.Clone(data), now})
		return nil
	})
}

// ReplaceFile replaces a file by a new one, as an editor does that writes a
// temporary file and renames it.
func (f *FS) ReplaceFile(name string, data []byte, perm fs.FileMode) error {
	return f.edit("replacefile", name, false, func(at place) error {
		if at.node.isDir() {
			return syscall.EISDIR
		}
		f.put(at, data, perm)
		return nil
	})
}

// Symlink makes a symbolic link to target, which need not exist.
func (f *FS) Symlink(target, name string) error {
	return f.edit("symlink", name, false, func(at place) error {
		if at.node != nil {
			return syscall.EEXIST
		}
		f.put(at, nil, fs.ModeSymlink|0o777).target = target
		return nil
	})
}

// Tree returns all that a process sees: the content of each file by its name,
// "" for a directory by its name and a slash, and "-> target" for a symbolic
// link. The root is left out.
func (f *FS) Tree() map[string]string {
	f.mu.Lock()
	defer f.mu.Unlock()
	tree := map[string]string{}
	f.root.visit(".", func(name string, n *inode) {
		switch {
		case n == f.root:
		case n.isDir():
			tree[name+"/"] = ""
		case n.isLink():
			tree[name] = "-> " + n.target
		default:
			tree[name] = string(n.seen.data)
		}
	})
	return tree
}

// OpenFiles returns the names of the open files and locks, sorted. What a test finds
// there at its end was leaked.
func (f *FS) OpenFiles() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var names []string
	for h := range f.open {
		names = append(names, h.name)
	}
	slices.Sort(names)
	return names
}

func (f *FS) edit(op, name string, follow bool, change func(place) error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	at, err := f.walk(name, follow)
	if err == nil && at.dir == nil {
		err = syscall.EISDIR
	}
	if err == nil {
		err = change(at)
	}
	if err != nil {
		return &fs.PathError{Op: op, Path: name, Err: err}
	}
	return nil
}

// put puts a new, durable inode at the place.
func (f *FS) put(at place, data []byte, mode fs.FileMode) *inode {
	node := f.newInode(mode)
	node.doDurably(written{0, slices.Clone(data), f.now()})
	at.dir.doDurably(relink{map[string]*inode{at.name: node}, f.now()})
	return node
}
