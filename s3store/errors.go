package s3store

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/hint"
	"example.com/rotatelog/internal/missing"
	"example.com/rotatelog/internal/stream"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
)

var (
	errAbsent   = errors.New("there is no object")
	errMissing  = fmt.Errorf("%w: it is not there", rotatelog.ErrConflict)
	errReplaced = fmt.Errorf("%w: it was replaced", rotatelog.ErrConflict)

	errNoSize = errors.New("the server does not say how large the object is")
	errNoETag = hint.Add(fmt.Errorf("%w: the server sends no ETag, without which versions cannot be distinguished", rotatelog.ErrPermanent),
		"see that no proxy removes it, or use another server")
	errNotEncrypted = fmt.Errorf("%w: the server stored the object without the encryption that s3store.Options asks for", rotatelog.ErrPermanent)
)

// notEncrypted returns errNotEncrypted with what to do about it.
func notEncrypted() error {
	return hint.Add(errNotEncrypted, "use a server that supports it, or do without, and remove what it stored")
}

// diagnosis is why a request failed, and what to do about it. The zero diagnosis
// knows neither.
type diagnosis struct {
	permanent bool
	cause     string
	remedy    string
}

// explain makes the error of an operation on key. It says what err means, and is
// permanent if no retry can fix it.
func (s *Store) explain(ctx context.Context, op, key string, err error) error {
	switch {
	case errors.Is(err, errAbsent):
		err = fs.ErrNotExist
	case errors.Is(err, rotatelog.ErrPermanent), errors.Is(err, rotatelog.ErrConflict), errors.Is(err, errUnresolved), errors.Is(err, errUnclear):
	case ctx.Err() != nil && (statusOf(err) == 0 || isCutOff(err)):
		err = missing.NotObject(context.Cause(ctx))
	case isOfStream(err): // and not of this server
	default:
		d := s.diagnose(op, err)
		err = missing.NotObject(err)
		if d.cause != "" {
			err = fmt.Errorf("%w: %w", hint.Add(errors.New(d.cause), "%s", d.remedy), err)
		}
		if d.permanent {
			err = fmt.Errorf("%w: %w", rotatelog.ErrPermanent, err)
		}
	}
	remedy, cause := hint.Split(err)
	return &rotatelog.Error{Op: op, Key: key, Err: cause, Hint: remedy}
}

// isCutOff reports whether the answer broke off: that of a request that was given up may.
func isCutOff(err error) bool {
	_, ok := errors.AsType[brokenAnswer](err)
	return ok
}

func isOfStream(err error) bool {
	_, ok := errors.AsType[*stream.Error](err)
	return ok
}

// diagnose goes by the HTTP status if that is clear, and then by the code of the
// error document.
func (s *Store) diagnose(op string, err error) diagnosis {
	status, code := statusOf(err), codeOf(err)
	if status == 0 {
		return s.diagnoseUnanswered(err)
	}
	if d := s.diagnoseBetween(status, err); d.cause != "" {
		return d
	}
	if d := diagnosePassing(status, code); d.cause != "" {
		return d
	}
	if isCutOff(err) {
		return diagnosis{false, "the answer of " + s.endpoint + " broke off before it said what is wrong", "it is retried automatically"}
	}
	for _, by := range []diagnosis{s.diagnoseKeys(op, code, err), s.diagnoseAccount(status, code), s.diagnosePlace(code, err), diagnoseRequest(code)} {
		if by.cause != "" {
			return by
		}
	}
	if status < 300 {
		return diagnosis{false, "the server answered with something that is not S3's", "it is retried automatically; see whether a proxy answers in its place"}
	}
	return s.diagnoseStatus(status, err)
}

// diagnoseBetween knows the answers of proxies, and of networks that require a
// login.
func (s *Store) diagnoseBetween(status int, err error) diagnosis {
	if _, ok := errors.AsType[webPage](err); ok {
		return diagnosis{false, "a web page came back in place of " + s.endpoint + "'s answer, as from a network that requires a login, or from a proxy",
			"log in to the network, or use the endpoint for S3; until then it is retried automatically"}
	}
	if status == http.StatusProxyAuthRequired {
		return diagnosis{true, "the proxy wants a user name and a password", remedyProxyLogin}
	}
	if status < 300 || status >= 400 || headerOf(err).Get("X-Amz-Request-Id") != "" {
		return diagnosis{}
	}
	to, parseErr := url.Parse(headerOf(err).Get("Location"))
	if parseErr != nil || to.Host == "" {
		return diagnosis{}
	}
	here, parseErr := url.Parse(s.endpoint)
	if parseErr == nil && here.Scheme == "http" && to.Scheme == "https" && strings.EqualFold(to.Hostname(), here.Hostname()) {
		return diagnosis{true, s.endpoint + " redirects to https", "write https:// in the endpoint in place of http://"}
	}
	moved := status == http.StatusMovedPermanently || status == http.StatusPermanentRedirect
	return diagnosis{moved, fmt.Sprintf("%s redirects to %s://%s, and not as S3 does", s.endpoint, to.Scheme, to.Host),
		"log in, if that is a network's login page; otherwise use the endpoint for S3, and set the endpoint and the region of the bucket"}
}

// webPage is the error of an answer that is a page for a browser.
type webPage struct{}

func (webPage) Error() string { return "the answer is a web page" }

const remedyProxyLogin = "put them into HTTPS_PROXY or HTTP_PROXY, as in http://USER:PASSWORD@HOST:PORT, or name the endpoint's host in NO_PROXY"

// diagnoseAccount knows what the owner of a bucket has to fix elsewhere: with the
// provider, or with the key service.
func (s *Store) diagnoseAccount(status int, code string) diagnosis {
	switch {
	case code == "UserSuspended", code == "AccountProblem", code == "NotSignedUp":
		return diagnosis{true, "the provider has suspended the account, or not enabled it for object storage", "resolve that with the provider"}
	case status == http.StatusPaymentRequired, code == "PaymentRequired":
		return diagnosis{true, "the provider wants to be paid first", "resolve that with the provider"}
	case code == "InvalidObjectState":
		return diagnosis{true, "the object has been archived, by a lifecycle rule most likely, and cannot be read or copied",
			fmt.Sprintf("restore it, and exclude its prefix from the rule of the bucket %q", s.bucket)}
	case strings.Contains(code, "KMS") && strings.Contains(code, "Throttling"):
		return diagnosis{false, "the key service limits the rate of requests", "it is retried automatically, more and more slowly"}
	case strings.Contains(code, "KMS"):
		return diagnosis{true, fmt.Sprintf("the key service (KMS) does not let the server use the key with which the bucket %q is encrypted", s.bucket),
			"see that the key exists, is enabled, and may be used by this access key"}
	}
	return diagnosis{}
}

// diagnosePassing knows what is wrong at the server and passes.
func diagnosePassing(status int, code string) diagnosis {
	switch {
	case status == http.StatusServiceUnavailable, status == http.StatusTooManyRequests, code == "SlowDown":
		return diagnosis{false, "the server is busy, or limits the rate of requests", "it is retried automatically, more and more slowly"}
	case status == http.StatusInsufficientStorage:
		return diagnosis{true, "the server has no room left", "make room there"}
	case status >= 500 && status != http.StatusNotImplemented:
		return diagnosis{false, "the server failed", "it is retried automatically; if it persists, look at the provider's status page"}
	case status == http.StatusConflict:
		return diagnosis{false, "another request for the object is under way", "it is retried automatically"}
	case code == "NoSuchUpload":
		return diagnosis{false, "the multipart upload is gone: it has ended, or somebody removed it", "the object is looked at, and what is missing is sent again"}
	case code == "InvalidPart", code == "InvalidPartOrder":
		return diagnosis{false, "the server does not have a part of a multipart upload as it said it had", "all parts are sent again; if it persists, show this to the provider"}
	case status == http.StatusRequestTimeout, code == "RequestTimeout", code == "IncompleteBody", code == "BadDigest":
		return diagnosis{false, "the request did not arrive whole", "it is sent again; if it persists, look for a proxy that changes what it passes on"}
	}
	return diagnosis{}
}

// diagnoseKeys knows what is wrong with the credentials.
func (s *Store) diagnoseKeys(op, code string, err error) diagnosis {
	switch code {
	case "AccessDenied", "AllAccessDisabled":
		return diagnosis{true, fmt.Sprintf("the key may not do this in the bucket %q", s.bucket), neededFor(op)}
	case "InvalidAccessKeyId", "XAdminUserNotFound":
		return diagnosis{true, "the server does not know the access key",
			"check the access key ID, that the key still exists, and that it is one of " + s.endpoint}
	case "SignatureDoesNotMatch":
		return diagnosis{true, "the secret key is not the one that belongs to the access key",
			"set both again, without spaces around them; if they are right, a proxy changes the requests"}
	case "ExpiredToken", "InvalidToken", "TokenRefreshRequired":
		return diagnosis{true, "the session token has expired, or does not belong to the access key", "get new temporary credentials, or use a key without a session token"}
	case "RequestTimeTooSkewed", "RequestExpired":
		return diagnosis{true, "the clock of this machine is wrong" + skew(err), "set it, and let NTP keep it right"}
	}
	return diagnosis{}
}

// neededFor returns the permissions that an operation needs. Without the permission
// to list the bucket, AWS does not say that an object is missing.
func neededFor(op string) string {
	switch op {
	case "stat":
		return "grant it s3:GetObject and s3:PutObject for the objects, and s3:ListBucket for the bucket, " +
			"without which a missing object is answered like this, too"
	case "read":
		return "grant it s3:GetObject for the objects"
	case "copy":
		return "grant it s3:GetObject, s3:PutObject and s3:DeleteObject for the objects and their copies, and s3:ListBucket for the bucket, " +
			"without which a missing object is answered like this, too"
	case "list":
		return "grant it s3:ListBucket for the bucket"
	case "list uploads", "abort", "sweep":
		return "grant it s3:ListBucketMultipartUploads and s3:ListBucket for the bucket, " +
			"and s3:ListMultipartUploadParts, s3:AbortMultipartUpload and s3:GetObject for the objects"
	}
	return "grant it s3:PutObject for the objects; a bucket policy may forbid it as well"
}

// skew says by how much this machine's clock is off, if the answer shows it.
func skew(err error) string {
	sent, parseErr := http.ParseTime(headerOf(err).Get("Date"))
	if parseErr != nil {
		return ""
	}
	d := time.Since(sent).Round(time.Second)
	switch {
	case d > time.Minute:
		return fmt.Sprintf(": it is %v ahead of the server's", d)
	case d < -time.Minute:
		return fmt.Sprintf(": it is %v behind the server's", -d)
	}
	return ""
}

// diagnosePlace knows what is wrong with the bucket, the region or the endpoint.
func (s *Store) diagnosePlace(code string, err error) diagnosis {
	switch code {
	case "NoSuchBucket":
		return diagnosis{true, fmt.Sprintf("the bucket %q does not exist at %s", s.bucket, s.endpoint),
			"create it, or correct its name or the endpoint: a bucket is in one region only"}
	case "InvalidBucketName":
		return diagnosis{true, fmt.Sprintf("the server takes %q for no bucket's name", s.bucket), "correct it: lower case letters, digits and '-'"}
	case "PermanentRedirect", "TemporaryRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException":
		return s.elsewhere(err)
	case "MethodNotAllowed":
		return diagnosis{true, s.endpoint + " does not take this request", "use the endpoint for S3, not that of a website or a console"}
	case "QuotaExceeded":
		return diagnosis{true, fmt.Sprintf("the quota of the bucket %q or of its owner is used up", s.bucket), "remove what is not needed, or have the quota raised"}
	}
	return diagnosis{}
}

func (s *Store) elsewhere(err error) diagnosis {
	return diagnosis{true, fmt.Sprintf("the bucket %q is not at %s, or not in the region that the client is set to", s.bucket, s.endpoint),
		"set the endpoint and the region of the bucket" + expectedRegion(err)}
}

// expectedRegion returns the region that the server names, as part of a sentence.
func expectedRegion(err error) string {
	region := headerOf(err).Get("X-Amz-Bucket-Region")
	var api smithy.APIError
	if region == "" && errors.As(err, &api) {
		_, after, _ := strings.Cut(api.ErrorMessage(), "expecting ")
		region = strings.Trim(after, `'".`)
	}
	if region == "" {
		return ""
	}
	return fmt.Sprintf(": the server expects %q", region)
}

// diagnoseRequest knows what the server does not accept in the request itself.
func diagnoseRequest(code string) diagnosis {
	switch code {
	case "XAmzContentSHA256Mismatch", "NotImplemented", "MissingContentLength", "InvalidDigest":
		return diagnosis{true, "the server refuses the form of the request: checksums of the SDK, or a conditional write",
			"use a client made by s3store.NewClient, without middleware that adds checksums, and a server that takes conditional PutObject"}
	case "MetadataTooLarge", "RequestHeaderSectionTooLarge":
		return diagnosis{true, "the server takes less metadata than 2 KB", "use another server"}
	case "EntityTooLarge":
		return diagnosis{true, "the object has become larger than the server allows", "have the limit raised"}
	case "KeyTooLongError":
		return diagnosis{true, "the key is longer than the server allows", "shorten Config.Prefix"}
	case "InvalidRequest", "InvalidArgument", "ServerSideEncryptionConfigurationNotFoundError":
		return diagnosis{true, "the server refuses the request as invalid", "see what it says; most often it is about encryption: s3store.Options must be as when the object was written"}
	}
	return diagnosis{}
}

// diagnoseStatus knows what an answer without a known code may mean.
func (s *Store) diagnoseStatus(status int, err error) diagnosis {
	switch {
	case status < 400:
		return s.elsewhere(err)
	case status == http.StatusRequestEntityTooLarge:
		return diagnosis{true, fmt.Sprintf("%s, or a proxy before it, refuses requests of this size", s.endpoint),
			"raise its limit, to 128 MiB at least (nginx: client_max_body_size, Apache: LimitRequestBody)"}
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return diagnosis{true, s.endpoint + " refuses the request and does not say why", "check the key and its permissions, and whether a firewall or a proxy is in between"}
	}
	return diagnosis{true, fmt.Sprintf("%s refuses the request with status %d", s.endpoint, status),
		"see that this is the endpoint for S3, with the right scheme, host and port"}
}

// diagnoseUnanswered knows why there may be no answer.
func (s *Store) diagnoseUnanswered(err error) diagnosis {
	if d := s.diagnoseTLS(err); d.cause != "" {
		return d
	}
	if d := s.diagnoseProxy(err); d.cause != "" {
		return d
	}
	var dns *net.DNSError
	var operation *net.OpError
	switch {
	case errors.As(err, &dns):
		return diagnosis{false, fmt.Sprintf("the name %s cannot be resolved", dns.Name), "check the network, and the spelling of the endpoint"}
	case errors.Is(err, syscall.ECONNREFUSED):
		return diagnosis{false, "nothing answers at " + s.endpoint, "check its port, and that the server runs"}
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH):
		return diagnosis{false, "there is no way to " + s.endpoint, "check the network, and the firewall"}
	case isTimeout(err):
		return diagnosis{false, s.endpoint + " does not answer in time", "it is retried automatically; if it persists, check the network, and the firewall"}
	case strings.Contains(err.Error(), "invalid header field value"):
		return diagnosis{true, "a part of the key, or of what else the client sends, holds a line end or another control character",
			"set the access key ID and the session token again, without that"}
	case strings.Contains(err.Error(), "get identity"): // the SDK has no type for it
		return diagnosis{true, "the credentials cannot be obtained", "check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or what else provides them"}
	case errors.As(err, &operation), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return diagnosis{false, "the connection to " + s.endpoint + " broke", "it is retried automatically"}
	}
	return diagnosis{}
}

// diagnoseProxy knows what a proxy says if it does not connect.
func (s *Store) diagnoseProxy(err error) diagnosis {
	var operation *net.OpError
	refused, ok := errors.AsType[refusedTunnel](err)
	switch {
	case ok && refused.status == http.StatusProxyAuthRequired:
		return diagnosis{true, "the proxy wants a user name and a password", remedyProxyLogin}
	case ok && refused.status >= 500:
		return diagnosis{false, "the proxy that the environment names cannot connect to " + s.endpoint, "it is retried automatically; if it persists, check HTTPS_PROXY and NO_PROXY"}
	case ok:
		return diagnosis{true, "the proxy that the environment names refuses to connect to " + s.endpoint, "have the host allowed there, or name it in NO_PROXY"}
	case errors.As(err, &operation) && operation.Op == "proxyconnect":
		return diagnosis{false, "the proxy that the environment names does not answer", "check HTTPS_PROXY, HTTP_PROXY and NO_PROXY"}
	}
	return diagnosis{}
}

// diagnoseHandshake knows why the two sides cannot agree on TLS. Package crypto/tls
// has no types for what the other side says about that.
func (s *Store) diagnoseHandshake(err error) diagnosis {
	text := err.Error()
	has := func(what string) bool { return strings.Contains(text, what) }
	switch {
	case has("tls: certificate required"), has("remote error: tls: bad certificate"):
		return diagnosis{true, s.endpoint + " wants a certificate of the client",
			"set one in the HTTPClient of the client's s3.Options, or use an endpoint that wants none"}
	case has("tls: protocol version not supported"), has("tls: server selected unsupported protocol version"):
		return diagnosis{true, s.endpoint + " speaks no version of TLS from 1.2 on", "have TLS 1.2 or 1.3 enabled there"}
	case has("remote error: tls: handshake failure"):
		return diagnosis{true, s.endpoint + " and this client have no form of TLS in common, or it wants a certificate of the client",
			"have TLS 1.2 or 1.3 with usual ciphers enabled there, or set a certificate in the HTTPClient of the client's s3.Options"}
	}
	return diagnosis{}
}

func (s *Store) diagnoseTLS(err error) diagnosis {
	var unknown x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	var verification *tls.CertificateVerificationError
	switch {
	case errors.Is(err, http.ErrSchemeMismatch):
		return diagnosis{true, s.endpoint + " does not speak TLS", "use http:// instead of https://, or the port for TLS"}
	case errors.As(err, &unknown):
		return diagnosis{true, "the certificate of " + s.endpoint + " is signed by nobody this machine trusts",
			"install its CA certificate, or the package ca-certificates, or name it in SSL_CERT_FILE"}
	case errors.As(err, &host):
		return diagnosis{true, "the certificate is not for the host of " + s.endpoint, "correct the endpoint; a bucket with dots in its name needs path style"}
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return diagnosis{true, "the certificate of " + s.endpoint + " has expired, or is not valid yet", "check this machine's clock, and have the certificate renewed"}
	case errors.As(err, &verification):
		return diagnosis{true, "the certificate of " + s.endpoint + " is not valid", "have it corrected"}
	}
	return s.diagnoseHandshake(err)
}

func isTimeout(err error) bool {
	var t interface{ Timeout() bool }
	return errors.As(err, &t) && t.Timeout()
}

// statusOf returns the HTTP status of the answer that err reports. It is 0 if there
// was none.
func statusOf(err error) int {
	var re *awshttp.ResponseError
	if errors.As(err, &re) {
		return re.HTTPStatusCode()
	}
	return 0
}

func headerOf(err error) http.Header {
	var re *awshttp.ResponseError
	if errors.As(err, &re) && re.HTTPResponse() != nil {
		return re.HTTPResponse().Header
	}
	return nil
}

// codeOf returns the code of the error document, or if there is none, what the SDK
// makes of the status.
func codeOf(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

// isNoSuchKey reports whether a server says that an object is missing, and not just
// something.
func isNoSuchKey(err error) bool {
	return statusOf(err) == http.StatusNotFound && codeOf(err) == "NoSuchKey"
}
