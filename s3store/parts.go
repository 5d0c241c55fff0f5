package s3store

import "example.com/rotatelog"

// A piece is one part of a multipart upload: a range of the old version that the
// server copies, or a body that the client sends.
type piece struct {
	copied byteRange        // n > 0: this range
	body   []rotatelog.Part // otherwise this; the copies in it are read first
}

// partLimits are the limits of the parts of a multipart upload.
type partLimits struct {
	minPart  int64 // bytes of a part that is not the last, and of a source less one
	maxCopy  int64 // bytes of one copy, at least twice minPart; more only if there would be too many
	maxBody  int64 // bytes of one body
	stream   int64 // bytes of one body that is read from streams, at least minPart; the last has up to minPart more
	maxParts int64
}

// s3Limits are those of S3, except for maxCopy: in one stream a server copies 5 GiB
// no faster than 128 MiB, and four streams are twice as fast.
var s3Limits = partLimits{minPart: 5 << 20, maxCopy: 128 << 20, maxBody: maxPut, stream: maxInMemory / 2, maxParts: 10_000}

// plan returns the pieces that make the concatenation of parts. Only the last may
// be smaller than minPart: a body that would be too small takes the shortfall from
// the copy after it, and a copy that is too small joins a body.
func (l partLimits) plan(parts []rotatelog.Part) []piece {
	var pieces []piece
	var body []rotatelog.Part
	var size int64 // of body
	maxCopy, maxStream := l.enlarged(l.maxCopy, parts), l.enlarged(l.stream, parts)
	flush := func() {
		if size > 0 {
			pieces = append(pieces, l.splitSent(body, size, l.maxBody, maxStream)...)
		}
		body, size = nil, 0
	}
	for _, p := range joinCopies(parts) {
		var shortfall int64
		if size > 0 {
			shortfall = max(l.minPart-size, 0)
		}
		if !p.IsCopy() || p.Len < shortfall+l.minPart || p.Off+p.Len <= l.minPart {
			body, size = append(body, p), size+p.Size()
			continue
		}
		if shortfall > 0 {
			body, size = append(body, rotatelog.Copy(p.Off, shortfall)), size+shortfall
		}
		flush()
		pieces = append(pieces, splitCopy(byteRange{p.Off + shortfall, p.Len - shortfall}, maxCopy)...)
	}
	flush()
	return pieces
}

// planSent returns the pieces that make the concatenation of parts if the client
// sends all of it.
func (l partLimits) planSent(parts []rotatelog.Part) []piece {
	total, _, _ := measure(parts)
	if total == 0 {
		return []piece{{}}
	}
	return l.splitSent(joinCopies(parts), total, min(l.enlarged(l.maxCopy, parts), l.maxBody), l.enlarged(l.stream, parts))
}

// enlarged returns n, or more if there would be too many pieces of n bytes.
func (l partLimits) enlarged(n int64, parts []rotatelog.Part) int64 {
	total, _, _ := measure(parts)
	return max(n, total/(l.maxParts/2))
}

// joinCopies joins adjacent copies, and drops empty parts.
func joinCopies(parts []rotatelog.Part) []rotatelog.Part {
	var joined []rotatelog.Part
	for _, p := range parts {
		n := len(joined)
		switch {
		case p.Size() == 0:
		case n > 0 && p.IsCopy() && joined[n-1].IsCopy() && joined[n-1].Off+joined[n-1].Len == p.Off:
			joined[n-1].Len += p.Len
		default:
			joined = append(joined, p)
		}
	}
	return joined
}

// byteRange is n bytes at off.
type byteRange struct{ off, n int64 }

// splitCopy returns pieces of about the same size that copy s.
func splitCopy(s byteRange, maxSize int64) []piece {
	n := (s.n + maxSize - 1) / maxSize
	pieces := make([]piece, n)
	for i := range pieces {
		begin, end := s.n*int64(i)/n, s.n*int64(i+1)/n
		pieces[i] = piece{copied: byteRange{s.off + begin, end - begin}}
	}
	return pieces
}

// splitSent returns pieces that send parts, of size bytes. Those with a stream, which is
// buffered, have maxStream bytes, others at most maxSize.
func (l partLimits) splitSent(parts []rotatelog.Part, size, maxSize, maxStream int64) []piece {
	if streamed(parts) == 0 {
		return splitBody(parts, size, maxSize)
	}
	var pieces []piece
	for ; size >= maxStream+l.minPart; size -= maxStream {
		var first []rotatelog.Part
		first, parts = cutParts(parts, maxStream)
		pieces = append(pieces, piece{body: first})
	}
	return append(pieces, piece{body: parts})
}

// splitBody returns pieces of about the same size, at most maxSize bytes each, that
// send parts, of size bytes.
func splitBody(parts []rotatelog.Part, size, maxSize int64) []piece {
	n := (size + maxSize - 1) / maxSize
	pieces := make([]piece, n)
	for i := range pieces {
		pieces[i].body, parts = cutParts(parts, size*int64(i+1)/n-size*int64(i)/n)
	}
	return pieces
}

// cutParts returns the first n bytes of parts, and the others.
func cutParts(parts []rotatelog.Part, n int64) (first, rest []rotatelog.Part) {
	for i, p := range parts {
		if size := p.Size(); size <= n {
			n -= size
			continue
		}
		if n == 0 {
			return parts[:i:i], parts[i:]
		}
		head, tail := p, p
		switch {
		case p.Data != nil:
			head, tail = rotatelog.Data(p.Data[:n]), rotatelog.Data(p.Data[n:])
		case p.Open != nil: // which stream.Once lets us read in pieces
			head.Len, tail.Len = n, p.Len-n
		default:
			head, tail = rotatelog.Copy(p.Off, n), rotatelog.Copy(p.Off+n, p.Len-n)
		}
		return append(parts[:i:i], head), append([]rotatelog.Part{tail}, parts[i+1:]...)
	}
	return parts, nil
}

// copiesAny reports whether the server would copy any of the pieces.
func copiesAny(pieces []piece) bool {
	for _, p := range pieces {
		if p.copied.n > 0 {
			return true
		}
	}
	return false
}
