package rotatelog

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/cespare/xxhash/v2"
	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/zstd"
)

// A compressed object is the text of a day's object in pieces, each of which can
// be read without the others, and so be moved:
//
//	              Zstd: frames   Gzip: blocks of one member
//	the head      stored         stored, after the member's header
//	of an entry
//	 its head     stored         stored
//	 its fetches  compressed     compressed, and flushed to a byte boundary
//	the tail      stored         stored, the final block; then CRC-32 and length
//
// What is stored is the text as it is, with a header before it. It is what an
// append changes: thus fetches are compressed once, whatever they are then
// appended to, and an append copies the entries of the old object as they are.
// It is also short, and how long it is in the object follows from the text,
// whichever version of a compressor made the rest.
//
// Gzip takes one member, not one for each piece, since curl --compressed and
// Python's zlib stop after the first.

const (
	// zstdWindow is how far back a match may lie: far enough that a fetch of up
	// to 8 MiB can refer to the one before it, which it is nearly equal to. It is
	// also the most that each decoder has to support.
	zstdWindow = 8 << 20
	smallText  = 1 << 20 // bytes up to which a small table finds what is alike

	zstdMagic  = "\x28\xb5\x2f\xfd"
	gzipHeader = "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff" // no name, no time, any system
	gzipLevel  = 6
)

// beginning returns what stands before the first piece.
func (c Compression) beginning() string {
	if c == Gzip {
		return gzipHeader
	}
	return ""
}

// storedHeader returns what stands before a stored text of n bytes.
func (c Compression) storedHeader(n int, last bool) []byte {
	if c == Zstd { // a frame of one segment, with its length, a checksum, and one raw block
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

// storedLen returns how long the text is that a header is for, if it is one.
func (c Compression) storedLen(header []byte) int {
	if c == Zstd {
		return int(binary.LittleEndian.Uint32(header[len(zstdMagic)+1:]))
	}
	return int(binary.LittleEndian.Uint16(header[1:]))
}

// appendStored appends a stored text.
func (c Compression) appendStored(dst, text []byte, last bool) []byte {
	dst = append(append(dst, c.storedHeader(len(text), last)...), text...)
	if c == Zstd {
		dst = binary.LittleEndian.AppendUint32(dst, uint32(xxhash.Sum64(text)))
	}
	return dst
}

// frame returns head and tail as they stand in the object, around the entries
// whose text has that checksum.
func (c Compression) frame(head, tail []byte, entries checksum) (begin, end []byte) {
	begin = c.appendStored([]byte(c.beginning()), head, false)
	end = c.appendStored(nil, tail, true)
	if c == Gzip {
		all := checksumOf(head).join(entries).join(checksumOf(tail))
		end = binary.LittleEndian.AppendUint32(end, all.crc)
		end = binary.LittleEndian.AppendUint32(end, uint32(all.n))
	}
	return begin, end
}

// headEnd and tailEnd return how many bytes follow the text of each.
func (c Compression) headEnd() int {
	if c == Zstd {
		return 4
	}
	return 0
}

func (c Compression) tailEnd() int {
	if c == Zstd {
		return 4
	}
	return 8
}

// packer compresses the fetches of an upload, one after the other, to one piece.
// It holds the piece, and as much of the text as matches may refer to.
type packer struct {
	pack Compression
	to   io.Writer
	end  func() error
	out  bytes.Buffer
	sum  checksum // of the text
}

// newPacker returns a packer for a text of about that size, or less.
func newPacker(pack Compression, size int64) (*packer, error) {
	p := &packer{pack: pack}
	if pack == Gzip {
		w, err := flate.NewWriter(&p.out, gzipLevel)
		if err != nil {
			return nil, err
		}
		p.to, p.end = w, w.Flush // not Close, which makes the block a final one
		return p, nil
	}
	window, level := zstdWindow, zstd.SpeedBetterCompression
	if size <= smallText {
		window, level = smallText, zstd.SpeedDefault
	}
	w, err := zstd.NewWriter(&p.out, zstd.WithEncoderLevel(level), zstd.WithWindowSize(window),
		zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true))
	if err != nil {
		return nil, err
	}
	p.to, p.end = w, w.Close
	return p, nil
}

// take takes what there is of u's Data.
func (p *packer) take(u *upload) error {
	p.sum.Write(u.Data)
	_, err := p.to.Write(u.Data)
	u.Data = u.Data[:0]
	return err
}

// finish makes the piece u's Data, after it has read it once: a compressor that
// errs must not cost a batch, which is still on disk now.
func (p *packer) finish(u *upload) error {
	u.Data = append(u.Data, entryClose...)
	if err := p.take(u); err != nil {
		return err
	}
	if err := p.end(); err != nil {
		return err
	}
	p.to, p.end = nil, nil // reading takes memory, too
	r, err := p.pack.unpack(bytes.NewReader(p.out.Bytes()))
	if err != nil {
		return err
	}
	var read checksum
	if _, err := io.Copy(&read, r); err != nil {
		return fmt.Errorf("what it was compressed to cannot be read: %w", err)
	}
	if read != p.sum {
		return errors.New("what it was compressed to reads differently")
	}
	u.Data, u.sum = p.out.Bytes(), p.sum
	return nil
}
