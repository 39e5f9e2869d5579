// The app of the matrix, with the HTTP server of Go: PORT [CERTIFICATE KEY].
package main

import (
	"bytes"
	"io"
	"log"
	"net/http"
	"os"
	"time"
)

func main() {
	handler := http.HandlerFunc(func(writer http.ResponseWriter, request *http.Request) {
		io.Copy(io.Discard, request.Body)
		answer := []byte("ok")
		switch request.URL.Path {
		case "/slow":
			time.Sleep(5 * time.Second)
		case "/big":
			answer = bytes.Repeat([]byte("x"), 200000)
		}
		writer.Write(answer)
	})
	server := &http.Server{Addr: "127.0.0.1:" + os.Args[1], Handler: handler, ErrorLog: log.New(io.Discard, "", 0)}
	if len(os.Args) > 2 {
		log.Fatal(server.ListenAndServeTLS(os.Args[2], os.Args[3]))
	}
	log.Fatal(server.ListenAndServe())
}
