# Stop: TERM, once no request is in flight. Shutdown hooks run, then the JVM exits with 143,
# which EBB_REMAP_EXIT turns into 0.
FROM eclipse-temurin:21-jre
COPY --from=ebb /ebb /ebb
COPY app.jar /app.jar
ENV EBB_REMAP_EXIT=143
ENTRYPOINT ["/ebb", "--"]
CMD ["java", "-jar", "/app.jar"]
