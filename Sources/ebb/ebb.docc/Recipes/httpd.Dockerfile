# Stop: WINCH, which the base image sets and ebb recognises. httpd finishes its requests and exits
# with 0.
FROM httpd
COPY --from=ebb /ebb /ebb
STOPSIGNAL SIGWINCH
ENTRYPOINT ["/ebb", "--"]
CMD ["httpd-foreground"]
