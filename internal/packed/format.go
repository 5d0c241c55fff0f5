// Package packed writes and reads the pieces of a compressed object, each of which
// can be read without the others.
package packed

import (
	"encoding/binary"

	"github.com/cespare/xxhash/v2"
)

// A compressed object is the text of a day's object in pieces. Each can be read
// without the others, and so can be moved:
//
//	              Zstd: frames   Gzip: blocks of one member
//	the head      stored         stored, after the member's header
//	of an entry
//	 its head     stored         stored
//	 its fetches  compressed     compressed, and flushed to a byte boundary
//	the tail      stored         stored, the final block; then CRC-32 and length
//
// Stored text is the text as it is, after a header. An append changes only stored
// text: so fetches are compressed once, whatever they are then appended to, and an
// append copies the entries of the old object as they are. Stored text is also short,
// and its length in the object follows from the text, whichever version of a
// compressor made the rest.
//
// Gzip uses one member, not one for each piece, since curl --compressed and
// Python's zlib stop after the first.

// Format is how pieces are compressed.
type Format int

// The formats.
const (
	Zstd Format = iota + 1
	Gzip
)

const (
	// zstdWindow is how far back a match may be: far enough that a fetch of up to
	// 8 MiB can refer to the one before it, which is nearly equal. It is also the
	// maximum that each decoder has to support.
	zstdWindow = 8 << 20
	smallText  = 1 << 20 // bytes up to which a small table finds the matches

	zstdMagic  = "\x28\xb5\x2f\xfd"
	gzipHeader = "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff" // no name, no time, any system
	gzipLevel  = 6
)

// beginning returns what is before the first piece.
func (f Format) beginning() string {
	if f == Gzip {
		return gzipHeader
	}
	return ""
}

// storedHeader returns what is before a stored text of n bytes.
func (f Format) storedHeader(n int, last bool) []byte {
	if f == Zstd { // a frame of one segment, with its length, a checksum, and one raw block
		h := append([]byte(zstdMagic), 0b10_1_00_1_00)
		h = binary.LittleEndian.AppendUint32(h, uint32(n))
		return append(h, byte(n<<3|1), byte(n>>5), byte(n>>13))
	}
	final := byte(0)
	if last {
		final = 1
	}
	h := binary.LittleEndian.AppendUint16([]byte{final}, uint16(n))
	return binary.LittleEndian.AppendUint16(h, ^uint16(n))
}

// storedLen returns the length of the text after a header, if it is one.
func (f Format) storedLen(header []byte) int {
	if f == Zstd {
		return int(binary.LittleEndian.Uint32(header[len(zstdMagic)+1:]))
	}
	return int(binary.LittleEndian.Uint16(header[1:]))
}

// AppendStored appends a stored text.
func (f Format) AppendStored(dst, text []byte, last bool) []byte {
	dst = append(append(dst, f.storedHeader(len(text), last)...), text...)
	if f == Zstd {
		dst = binary.LittleEndian.AppendUint32(dst, uint32(xxhash.Sum64(text)))
	}
	return dst
}

// Frame returns head and tail as they are in the object, around entries whose text
// has that checksum.
func (f Format) Frame(head, tail []byte, entries Checksum) (begin, end []byte) {
	begin = f.AppendStored([]byte(f.beginning()), head, false)
	end = f.AppendStored(nil, tail, true)
	if f == Gzip {
		all := ChecksumOf(head).Join(entries).Join(ChecksumOf(tail))
		end = binary.LittleEndian.AppendUint32(end, all.CRC)
		end = binary.LittleEndian.AppendUint32(end, uint32(all.N))
	}
	return begin, end
}

// headEnd and tailEnd return how many bytes follow the text of the head and of the
// tail.
func (f Format) headEnd() int {
	if f == Zstd {
		return 4
	}
	return 0
}

func (f Format) tailEnd() int {
	if f == Zstd {
		return 4
	}
	return 8
}
