package fakes3

import (
	"cmp"
	"fmt"
	"net/http"
)

// Error is an error response.
type Error struct {
	Status  int    // of HTTP
	Code    string // of S3; "": the usual one for the status
	Message string
}

func (e Error) Error() string { return fmt.Sprintf("%d %s: %s", e.Status, e.Code, e.Message) }

// usual returns e with its missing parts filled in.
func (e Error) usual() Error {
	e.Code = cmp.Or(e.Code, usualCode(e.Status))
	e.Message = cmp.Or(e.Message, http.StatusText(e.Status))
	return e
}

func usualCode(status int) string {
	switch status {
	case http.StatusBadRequest:
		return "InvalidRequest"
	case http.StatusForbidden:
		return "AccessDenied"
	case http.StatusNotFound:
		return "NoSuchKey"
	case http.StatusConflict:
		return "ConditionalRequestConflict"
	case http.StatusPreconditionFailed:
		return "PreconditionFailed"
	case http.StatusTooManyRequests:
		return "TooManyRequests"
	case http.StatusNotImplemented:
		return "NotImplemented"
	case http.StatusServiceUnavailable:
		return "SlowDown"
	case http.StatusInternalServerError:
		return "InternalError"
	}
	return "UnknownError"
}

var (
	errAccessDenied       = Error{403, "AccessDenied", "Access Denied."}
	errBadDigest          = Error{400, "BadDigest", "The digest that was sent is not that of the body."}
	errBucketExists       = Error{409, "BucketAlreadyOwnedByYou", "The bucket exists, and is yours."}
	errBucketNotEmpty     = Error{409, "BucketNotEmpty", "The bucket is not empty."}
	errEntityTooSmall     = Error{400, "EntityTooSmall", "A part that is not the last is smaller than the least size allowed."}
	errIncompleteBody     = Error{400, "IncompleteBody", "The body does not have the length or the form that was announced."}
	errInvalidBucketName  = Error{400, "InvalidBucketName", "That is no name for a bucket."}
	errInvalidDigest      = Error{400, "InvalidDigest", "The Content-MD5 is not an MD5 in base64."}
	errInvalidPart        = Error{400, "InvalidPart", "A part was not found, or its ETag is another one."}
	errInvalidPartOrder   = Error{400, "InvalidPartOrder", "The parts are not in ascending order."}
	errInvalidRange       = Error{416, "InvalidRange", "The range is not within the object."}
	errKeyTooLong         = Error{400, "KeyTooLongError", "The key is longer than 1,024 bytes."}
	errMalformedXML       = Error{400, "MalformedXML", "The document is not the one that was expected."}
	errMetadataTooLarge   = Error{400, "MetadataTooLarge", "The user metadata is larger than 2 KB."}
	errMissingLength      = Error{411, "MissingContentLength", "A Content-Length is needed."}
	errNoEncryption       = Error{404, "ServerSideEncryptionConfigurationNotFoundError", "The bucket has no default encryption."}
	errNoLifecycle        = Error{404, "NoSuchLifecycleConfiguration", "The bucket has no lifecycle rules."}
	errNoSuchBucket       = Error{404, "NoSuchBucket", "There is no such bucket."}
	errNoSuchKey          = Error{404, "NoSuchKey", "There is no such key."}
	errNoSuchUpload       = Error{404, "NoSuchUpload", "There is no such upload: it is unknown, aborted or completed."}
	errNoSuchVersion      = Error{404, "NoSuchVersion", "There is no such version."}
	errNotImplemented     = Error{501, "NotImplemented", "A header or parameter asks for something that is not implemented."}
	errPreconditionFailed = Error{412, "PreconditionFailed", "A condition of the request does not hold."}
	errPayloadHash        = Error{400, "XAmzContentSHA256Mismatch", "The x-amz-content-sha256 is not that of the body."}
	errSignature          = Error{403, "SignatureDoesNotMatch", "The signature is not the one that was computed: look at the key and how it signs."}
	errTimeSkewed         = Error{403, "RequestTimeTooSkewed", "The request's time is too far from the server's."}
	errUnknownKey         = Error{403, "InvalidAccessKeyId", "The access key is unknown."}
)

func invalidArgument(format string, args ...any) error {
	return Error{400, "InvalidArgument", fmt.Sprintf(format, args...)}
}

func invalidRequest(format string, args ...any) error {
	return Error{400, "InvalidRequest", fmt.Sprintf(format, args...)}
}
