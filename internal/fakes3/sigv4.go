package fakes3

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Signature version 4, as "Authenticating Requests (AWS Signature Version 4)"
// of the S3 API reference describes it for the Authorization header.
const (
	signatureAlgorithm = "AWS4-HMAC-SHA256"
	signatureTime      = "20060102T150405Z"
)

// authorization is what the Authorization header says.
type authorization struct {
	key       string
	scope     scope
	signed    []string // header names, lower case
	signature string
}

// scope is where and when a signature is good for.
type scope struct{ date, region, service, end string }

func (c scope) String() string {
	return strings.Join([]string{c.date, c.region, c.service, c.end}, "/")
}

// authenticate says whether r was signed with the server's keys, just now.
func (s *Server) authenticate(r *http.Request) error {
	auth, err := parseAuthorization(r.Header.Get("Authorization"))
	if err != nil {
		return err
	}
	access, secret := s.key()
	if auth.key != access {
		if e := s.opts.Profile.UnknownKey; e != (Error{}) {
			return e
		}
		return errUnknownKey
	}
	if token := r.Header.Get("X-Amz-Security-Token"); token != s.opts.SessionToken {
		return Error{400, "InvalidToken", "The session token is not the one that belongs to the key."}
	}
	if err := s.checkScope(auth.scope, r.Header.Get("X-Amz-Date")); err != nil {
		return err
	}
	if err := checkSigned(r, auth.signed); err != nil {
		return err
	}
	want := sign(secret, auth.scope, r.Header.Get("X-Amz-Date"), canonicalRequest(r, auth.signed))
	if subtle.ConstantTimeCompare([]byte(want), []byte(auth.signature)) == 0 {
		return errSignature
	}
	return nil
}

func parseAuthorization(header string) (authorization, error) {
	rest, ok := strings.CutPrefix(header, signatureAlgorithm+" ")
	if !ok {
		return authorization{}, errAccessDenied
	}
	fields := map[string]string{}
	for field := range strings.SplitSeq(rest, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(field), "=")
		fields[name] = value
	}
	credential := strings.Split(fields["Credential"], "/")
	if len(credential) != 5 || fields["SignedHeaders"] == "" || fields["Signature"] == "" {
		return authorization{}, malformed("it needs Credential=KEY/DATE/REGION/s3/aws4_request, SignedHeaders and Signature")
	}
	return authorization{
		key:       credential[0],
		scope:     scope{credential[1], credential[2], credential[3], credential[4]},
		signed:    strings.Split(fields["SignedHeaders"], ";"),
		signature: fields["Signature"],
	}, nil
}

func malformed(format string, args ...any) error {
	return Error{400, "AuthorizationHeaderMalformed", "The authorization header is malformed: " + fmt.Sprintf(format, args...) + "."}
}

func (s *Server) checkScope(c scope, date string) error {
	t, err := time.Parse(signatureTime, date)
	if err != nil {
		return errAccessDenied
	}
	switch {
	case c.region != s.opts.Region:
		return malformed("the region %q is wrong; expecting %q", c.region, s.opts.Region)
	case c.service != "s3" || c.end != "aws4_request":
		return malformed("the scope ends in %s/%s, not in s3/aws4_request", c.service, c.end)
	case c.date != date[:8]:
		return malformed("the date %q is not that of the request", c.date)
	case s.opts.Now().Sub(t).Abs() > maxClockSkew:
		return errTimeSkewed
	}
	return nil
}

// checkSigned says whether all headers that must be signed are.
func checkSigned(r *http.Request, signed []string) error {
	if r.Header.Get("X-Amz-Content-Sha256") == "" {
		return invalidRequest("The header x-amz-content-sha256 is missing.")
	}
	if !slices.Contains(signed, "host") {
		return Error{403, "AccessDenied", "The host is not signed."}
	}
	for name := range r.Header {
		name = strings.ToLower(name)
		if strings.HasPrefix(name, "x-amz-") && !slices.Contains(signed, name) {
			return Error{403, "AccessDenied", "The header " + name + " is not signed."}
		}
	}
	return nil
}

// sign returns the signature of a canonical request.
func sign(secret string, c scope, date, canonical string) string {
	hash := sha256.Sum256([]byte(canonical))
	text := strings.Join([]string{signatureAlgorithm, date, c.String(), hex.EncodeToString(hash[:])}, "\n")
	key := []byte("AWS4" + secret)
	for _, field := range []string{c.date, c.region, c.service, c.end, text} {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(field))
		key = mac.Sum(nil)
	}
	return hex.EncodeToString(key)
}

func canonicalRequest(r *http.Request, signed []string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n%s\n%s\n", r.Method, escape(r.URL.Path, true), canonicalQuery(r.URL.RawQuery))
	for _, name := range signed {
		fmt.Fprintf(&b, "%s:%s\n", name, canonicalHeader(r, name))
	}
	fmt.Fprintf(&b, "\n%s\n%s", strings.Join(signed, ";"), r.Header.Get("X-Amz-Content-Sha256"))
	return b.String()
}

func canonicalHeader(r *http.Request, name string) string {
	switch name {
	case "host":
		return r.Host
	case "content-length":
		return strconv.FormatInt(r.ContentLength, 10)
	}
	values := slices.Clone(r.Header.Values(name))
	for i, v := range values {
		values[i] = strings.Join(strings.Fields(v), " ")
	}
	return strings.Join(values, ",")
}

func canonicalQuery(raw string) string {
	if raw == "" {
		return ""
	}
	var pairs []string
	for field := range strings.SplitSeq(raw, "&") {
		name, value, _ := strings.Cut(field, "=")
		pairs = append(pairs, escape(unescape(name), false)+"="+escape(unescape(value), false))
	}
	slices.Sort(pairs)
	return strings.Join(pairs, "&")
}

func unescape(s string) string {
	if u, err := url.QueryUnescape(s); err == nil {
		return u
	}
	return s
}

// escape writes s in the one form that signatures use: everything except the
// unreserved characters of RFC 3986 as %XX, and slashes as they are if asked to.
func escape(s string, keepSlash bool) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
			strings.IndexByte("-._~", c) >= 0 || keepSlash && c == '/' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}
