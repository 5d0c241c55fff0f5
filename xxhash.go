package rotatelog

import (
	"encoding/binary"
	"math/bits"
)

// xxHash64 is the hash XXH64 of a text, with a seed of 0. Its lower half is the
// checksum of a zstd frame.
func xxHash64(text []byte) uint64 {
	h := uint64(xxPrime5)
	n := uint64(len(text))
	if len(text) >= 32 {
		h, text = xxStripes(text)
	}
	h += n
	for ; len(text) >= 8; text = text[8:] {
		h ^= xxRound(0, binary.LittleEndian.Uint64(text))
		h = bits.RotateLeft64(h, 27)*xxPrime1 + xxPrime4
	}
	if len(text) >= 4 {
		h ^= uint64(binary.LittleEndian.Uint32(text)) * xxPrime1
		h = bits.RotateLeft64(h, 23)*xxPrime2 + xxPrime3
		text = text[4:]
	}
	for _, b := range text {
		h ^= uint64(b) * xxPrime5
		h = bits.RotateLeft64(h, 11) * xxPrime1
	}
	h = (h ^ h>>33) * xxPrime2
	h = (h ^ h>>29) * xxPrime3
	return h ^ h>>32
}

const (
	xxPrime1 = 0x9e3779b185ebca87
	xxPrime2 = 0xc2b2ae3d27d4eb4f
	xxPrime3 = 0x165667b19e3779f9
	xxPrime4 = 0x85ebca77c2b2ae63
	xxPrime5 = 0x27d4eb2f165667c5
)

// xxStripes hashes as many stripes of 32 bytes as there are, and returns what is
// left of the text.
func xxStripes(text []byte) (uint64, []byte) {
	var lanes [4]uint64
	lanes[1] = xxPrime2
	lanes[0] = lanes[1] + xxPrime1
	lanes[3] -= xxPrime1
	for ; len(text) >= 32; text = text[32:] {
		for i := range lanes {
			lanes[i] = xxRound(lanes[i], binary.LittleEndian.Uint64(text[8*i:]))
		}
	}
	var h uint64
	for i, turn := range [4]int{1, 7, 12, 18} {
		h += bits.RotateLeft64(lanes[i], turn)
	}
	for _, lane := range lanes {
		h = (h^xxRound(0, lane))*xxPrime1 + xxPrime4
	}
	return h, text
}

func xxRound(lane, input uint64) uint64 {
	return bits.RotateLeft64(lane+input*xxPrime2, 31) * xxPrime1
}
