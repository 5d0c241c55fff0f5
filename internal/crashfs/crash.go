package crashfs

import (
	"fmt"
	"maps"
	"slices"
)

// Crash returns the disk after a power cut: no open files, no locks, and all
// that is there durable. The original disk is unchanged and remains usable, so one
// run yields as many crashes as wanted. After [ErrPowerCut] the cut
// is the one that happened then.
//
// choose(n) decides what survives, by a number from 0 to n-1: rand.IntN,
// [KeepNothing], [KeepAll], or what [Enumerate] passes. The same answers give the
// same disk. The new disk has the settings of the old, but no Before.
func (f *FS) Crash(choose func(n int) int) *FS {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := crash{fs: f, choose: choose, twins: map[*inode]*inode{}}
	return f.successor(c.survivor(f.root))
}

// KeepNothing is the harshest choice for Crash: nothing survives but what was
// synced.
func KeepNothing(int) int { return 0 }

// KeepAll is the mildest choice for Crash: everything survives.
func KeepAll(n int) int { return n - 1 }

// Kill returns the disk after kill -9: everything that was done is still there, but
// open files and locks are gone, and what was not durable still is not. The
// original disk is unchanged, as with Crash. The new disk has the
// settings of the old, but no Before.
func (f *FS) Kill() *FS {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.successor(f.root.twin(map[*inode]*inode{}))
}

func (f *FS) successor(root *inode) *FS {
	return &FS{
		Capacity: f.Capacity, Now: f.Now, AnyOrder: f.AnyOrder, RetrySyncDir: f.RetrySyncDir, Cuts: f.Cuts,
		root: root, lastID: f.lastID, ticks: f.ticks, open: map[*file]bool{},
	}
}

// crash is one power cut.
type crash struct {
	fs     *FS
	choose func(int) int
	twins  map[*inode]*inode // what became of each inode
}

func (c crash) pick(n int) int {
	if n == 1 {
		return 0
	}
	i := c.choose(n)
	if i < 0 || i >= n {
		panic(fmt.Sprintf("crashfs: choose(%d) returned %d", n, i))
	}
	return i
}

func (c crash) survivor(n *inode) *inode {
	if t, ok := c.twins[n]; ok {
		return t
	}
	t := &inode{id: n.id, target: n.target}
	c.twins[n] = t
	t.disk = c.image(n)
	for _, name := range slices.Sorted(maps.Keys(t.disk.names)) {
		t.disk.names[name] = c.survivor(t.disk.names[name])
	}
	t.seen = t.disk.clone()
	return t
}

// image is what is on disk of n.
func (c crash) image(n *inode) image {
	im := n.disk.clone()
	inOrder := n.isDir() && !c.fs.AnyOrder
	first := 0
	if inOrder {
		first = c.pick(n.undecided() + 1)
	}
	for _, e := range n.log {
		w, isWrite := e.change.(written)
		switch {
		case e.fate == durable:
			e.apply(&im)
		case inOrder:
			if first > 0 {
				e.apply(&im)
			}
			first--
		case isWrite:
			w.tear(&im, c.pick, c.fs.Cuts)
		case c.pick(2) == 1:
			e.apply(&im)
		}
	}
	return im
}

func (n *inode) undecided() int {
	count := 0
	for _, e := range n.log {
		if e.fate != durable {
			count++
		}
	}
	return count
}

// twin copies n and everything below it, with what is not durable yet.
func (n *inode) twin(twins map[*inode]*inode) *inode {
	if n == nil {
		return nil
	}
	if t, ok := twins[n]; ok {
		return t
	}
	t := &inode{id: n.id, target: n.target, seen: n.seen.clone(), disk: n.disk.clone(), log: slices.Clone(n.log)}
	twins[n] = t
	retarget(t.seen.names, twins)
	retarget(t.disk.names, twins)
	for i, e := range t.log {
		if r, ok := e.change.(relink); ok {
			names := maps.Clone(r.names)
			retarget(names, twins)
			t.log[i].change = relink{names, r.at}
		}
	}
	return t
}

func retarget(names map[string]*inode, twins map[*inode]*inode) {
	for name, node := range names {
		names[name] = node.twin(twins)
	}
}
