package client

import "os"

// Variables of crypto/x509: the file and the directories that it reads the
// system's root certificates from.
const (
	rootFile      = "SSL_CERT_FILE"
	rootDirectory = "SSL_CERT_DIR"
)

// systemBundle is where Lambda's operating system, Amazon Linux, has a file of
// all certificates that it trusts, one of those that crypto/x509 looks for.
const systemBundle = "/etc/pki/tls/certs/ca-bundle.crt"

// ReadRootsOnce has the first TLS handshake read the root certificates from a
// bundle alone, if there is one. The directories that crypto/x509 reads after
// it hold the same once or twice more, and to parse them costs milliseconds of
// a whole processor, of which an invocation has a share. Whoever names
// certificates of their own gets what crypto/x509 makes of it.
func ReadRootsOnce(getenv func(string) string, setenv func(name, value string) error) {
	readRootsOnce(systemBundle, getenv, setenv)
}

func readRootsOnce(bundle string, getenv func(string) string, setenv func(name, value string) error) {
	info, err := os.Stat(bundle)
	if err != nil || info.Size() == 0 || getenv(rootFile) != "" || getenv(rootDirectory) != "" {
		return
	}
	_ = setenv(rootDirectory, os.DevNull) // if it fails, all is read as before
}
