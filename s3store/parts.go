package s3store

import "example.com/rotatelog"

// A piece is one part of a multipart upload, as it reaches the server: a range
// of the old version that the server copies by itself, or else a body.
type piece struct {
	copied byteRange        // n > 0: this range
	body   []rotatelog.Part // what is sent; the copies in it are read first
}

// partLimits are what a server asks of the parts of a multipart upload.
type partLimits struct {
	minPart  int64 // bytes of a part that is not the last, and of a source less one
	maxCopy  int64 // bytes of one copy, at least twice the least; more only where there would be too many
	maxBody  int64 // bytes of one body
	maxParts int64 // parts
}

// s3Limits are those of S3, but for the most: of 5 GiB in one stream a server
// copies no more in a second than of 128 MiB, and four of these at a time go
// twice as fast.
var s3Limits = partLimits{minPart: 5 << 20, maxCopy: 128 << 20, maxBody: maxPut, maxParts: 10_000}

// plan returns the pieces that make the concatenation of parts. Only the last
// may have less than the least: a body that would be too small takes its lack
// from the copy after it, and a copy that is too small joins a body.
func (l partLimits) plan(parts []rotatelog.Part) []piece {
	var pieces []piece
	var body []rotatelog.Part
	var size int64 // of body
	flush := func() {
		if size > 0 {
			pieces = append(pieces, splitBody(body, size, l.maxBody)...)
		}
		body, size = nil, 0
	}
	most := l.maxCopyOf(parts)
	for _, p := range joinCopies(parts) {
		var lack int64
		if size > 0 {
			lack = max(l.minPart-size, 0)
		}
		if p.Data != nil || p.Len < lack+l.minPart || p.Off+p.Len <= l.minPart {
			body, size = append(body, p), size+p.Size()
			continue
		}
		if lack > 0 {
			body, size = append(body, rotatelog.Copy(p.Off, lack)), size+lack
		}
		flush()
		pieces = append(pieces, splitCopy(byteRange{p.Off + lack, p.Len - lack}, most)...)
	}
	flush()
	return pieces
}

// planSent returns the pieces that make the concatenation of parts, where the
// client sends all of it.
func (l partLimits) planSent(parts []rotatelog.Part) []piece {
	total, _, _ := measure(parts)
	if total == 0 {
		return []piece{{}}
	}
	return splitBody(joinCopies(parts), total, min(l.maxCopyOf(parts), l.maxBody))
}

// mostCopied returns how many bytes one copy may have, so that there are not too
// many of them.
func (l partLimits) maxCopyOf(parts []rotatelog.Part) int64 {
	var total int64
	for _, p := range parts {
		total += p.Size()
	}
	return max(l.maxCopy, total/(l.maxParts/2))
}

// joinCopies joins copies that continue each other, and leaves out what is
// empty.
func joinCopies(parts []rotatelog.Part) []rotatelog.Part {
	var joined []rotatelog.Part
	for _, p := range parts {
		n := len(joined)
		switch {
		case p.Size() == 0:
		case n > 0 && p.Data == nil && joined[n-1].Data == nil && joined[n-1].Off+joined[n-1].Len == p.Off:
			joined[n-1].Len += p.Len
		default:
			joined = append(joined, p)
		}
	}
	return joined
}

// byteRange is n bytes from off on.
type byteRange struct{ off, n int64 }

// splitCopy returns pieces of about the same size that copy s.
func splitCopy(s byteRange, most int64) []piece {
	n := (s.n + most - 1) / most
	pieces := make([]piece, n)
	for i := range pieces {
		begin, end := s.n*int64(i)/n, s.n*int64(i+1)/n
		pieces[i] = piece{copied: byteRange{s.off + begin, end - begin}}
	}
	return pieces
}

// splitBody returns pieces of about the same size, each of at most most bytes, that
// send parts, of size bytes.
func splitBody(parts []rotatelog.Part, size, most int64) []piece {
	n := (size + most - 1) / most
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
		head, tail := rotatelog.Copy(p.Off, n), rotatelog.Copy(p.Off+n, p.Len-n)
		if p.Data != nil {
			head, tail = rotatelog.Data(p.Data[:n]), rotatelog.Data(p.Data[n:])
		}
		return append(parts[:i:i], head), append([]rotatelog.Part{tail}, parts[i+1:]...)
	}
	return parts, nil
}

// copiesAny reports whether a server would copy anything by itself.
func copiesAny(pieces []piece) bool {
	for _, p := range pieces {
		if p.copied.n > 0 {
			return true
		}
	}
	return false
}
