package fakes3

import (
	"bytes"
	"crypto/md5"
	"encoding/hex"
)

// rope is a run of bytes in pieces. The bytes never change, so ropes share
// them: an object that is made of copied ranges costs no memory for those.
type rope [][]byte

func (r rope) size() int64 {
	var n int64
	for _, piece := range r {
		n += int64(len(piece))
	}
	return n
}

// cut returns n bytes at off, which must exist.
func (r rope) cut(off, n int64) rope {
	var out rope
	for _, piece := range r {
		size := int64(len(piece))
		if off < size && n > 0 {
			take := min(n, size-off)
			out = append(out, piece[off:off+take])
			n -= take
			off += take
		}
		off -= min(off, size)
	}
	return out
}

// bytes returns a copy of it in one piece.
func (r rope) bytes() []byte { return bytes.Join(r, nil) }

// part is a rope and its MD5. An object keeps its parts as they were uploaded, so
// that copying a prefix repeatedly in the same steps hashes only what is new.
type part struct {
	data rope
	size int64
	sum  [md5.Size]byte
}

func newPart(data rope) part {
	h := md5.New()
	for _, piece := range data {
		h.Write(piece)
	}
	return part{data, data.size(), [md5.Size]byte(h.Sum(nil))}
}

func (p part) etag() string { return hex.EncodeToString(p.sum[:]) }

// slice returns n bytes at off of the parts, as a part.
func slice(parts []part, off, n int64) part {
	at := int64(0)
	for _, p := range parts {
		if at == off && p.size == n {
			return p
		}
		at += p.size
	}
	return newPart(join(parts).cut(off, n))
}

// join returns the parts as one rope.
func join(parts []part) rope {
	var out rope
	for _, p := range parts {
		out = append(out, p.data...)
	}
	return out
}
