package rawjson

import (
	"bytes"
	"encoding/binary"
	"io"
)

// WriteCompact writes valid JSON without insignificant white space, as AppendCompact
// makes it, but in pieces and without a copy of text that is compact already. It ignores
// errors of w, which should be a hash.
func WriteCompact(w io.Writer, value []byte) {
	var short [4 << 10]byte // pieces that are too short to be worth a Write
	n := 0
	for i := skipSpace(value, 0); i < len(value); {
		end := compactEnd(value, i)
		piece := value[i:end]
		if n+len(piece) > len(short) {
			w.Write(short[:n])
			n = 0
		}
		if len(piece) > len(short) {
			w.Write(piece)
		} else {
			n += copy(short[n:], piece)
		}
		i = skipSpace(value, end)
	}
	w.Write(short[:n])
}

// compactEnd returns where white space that is not in a string comes next, from i on.
func compactEnd(b []byte, i int) int {
	for i < len(b) {
		switch b[i] {
		case '"':
			i = stringEnd(b, i) + 1
		case ' ', '\n', '\t', '\r':
			return i
		default:
			i++
		}
	}
	return min(i, len(b))
}

// skipSpace returns where white space ends that begins at i.
func skipSpace(b []byte, i int) int {
	const eight = 0x2020202020202020
	for ; i < len(b); i++ {
		switch b[i] {
		case ' ', '\t', '\r':
		case '\n': // and most likely the next line is indented
			for len(b)-i > 8 && binary.LittleEndian.Uint64(b[i+1:]) == eight {
				i += 8
			}
		default:
			return i
		}
	}
	return i
}

// SoleMember returns the value of the member of that name if it is the first of a valid
// object and no other member, however deep, has the name. It reads no further than that,
// and so is quicker than Lookup. ok is false if it is not sure.
func SoleMember(object []byte, name string) (value []byte, ok bool) {
	d := newDecoder(object)
	if _, err := d.ReadToken(); err != nil || d.PeekKind() != '"' {
		return nil, false
	}
	first, err := d.ReadValue()
	if err != nil || string(first) != `"`+name+`"` {
		return nil, false
	}
	v, err := d.ReadValue()
	if err != nil {
		return nil, false
	}
	value = lastRead(object, d, v)
	rest := object[d.InputOffset():]
	// The name might also be spelled with escapes of its letters.
	return value, !bytes.Contains(rest, []byte(name)) && !bytes.Contains(rest, []byte(`\u00`))
}
