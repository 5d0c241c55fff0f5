package packed

import "hash/crc32"

// Checksum is what gzip stores about a text: its CRC-32 and its length. The
// checksums of two texts can be joined without either text.
type Checksum struct {
	CRC uint32
	N   int64 // bytes
}

// ChecksumOf returns the Checksum of a text.
func ChecksumOf(text []byte) (s Checksum) {
	s.Write(text)
	return s
}

// Write implements io.Writer. It adds b to the text.
func (s *Checksum) Write(b []byte) (int, error) {
	s.CRC = crc32.Update(s.CRC, crc32.IEEETable, b)
	s.N += int64(len(b))
	return len(b), nil
}

// Join returns the Checksum of the text of s followed by that of t. To a CRC, n
// bytes that follow are a factor of x to the power of 8n.
func (s Checksum) Join(t Checksum) Checksum {
	crc, power := s.CRC, uint32(1)<<(31-8)
	for n := t.N; n > 0; n >>= 1 {
		if n&1 != 0 {
			crc = crcProduct(crc, power)
		}
		power = crcProduct(power, power)
	}
	return Checksum{crc ^ t.CRC, s.N + t.N}
}

// crcProduct multiplies two polynomials over GF(2) modulo that of CRC-32. The
// highest bit is the coefficient of 1, the lowest that of x to the power of 31.
func crcProduct(a, b uint32) (product uint32) {
	for ; a != 0; a <<= 1 {
		if a>>31 != 0 {
			product ^= b
		}
		b = b>>1 ^ b&1*crc32.IEEE
	}
	return product
}
