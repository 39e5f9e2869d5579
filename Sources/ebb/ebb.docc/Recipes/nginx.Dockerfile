# Stop: QUIT, which the base image sets and ebb recognises. nginx finishes its requests and exits
# with 0.
FROM nginx
COPY --from=ebb /ebb /ebb
STOPSIGNAL SIGQUIT
ENTRYPOINT ["/ebb", "--", "/docker-entrypoint.sh"]
CMD ["nginx", "-g", "daemon off;"]
